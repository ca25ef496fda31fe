"""The queries of the social suite in pandas, one function each, named `social_a` for `social-a`.

`read(table, columns, filters)` gives a fresh DataFrame; `filters` are conditions that Arrow tests while it reads. All else
is pandas, in the order in which a user would write it.
"""


def parameters(name, sql):
    """What a query's function takes beside `read`: nothing, since no text depends on the scale."""
    return {}


def social_a(read):
    by = ["category", "location", "device"]
    posts = read("posts", [*by, "user_id", "likes", "views", "latency", "error_rate"])
    reach = posts.groupby(by).agg(
        posts=("user_id", "size"),
        users=("user_id", "nunique"),
        likes=("likes", "sum"),
        views=("views", "sum"),
        mean_latency=("latency", "mean"),
        most_latency=("latency", "max"),
        mean_error_rate=("error_rate", "mean"),
    )
    return reach.reset_index().sort_values(by)


def social_b(read):
    posts = read("posts", ["timestamp", "category", "post_id", "likes", "views"])
    posts["day"] = posts["timestamp"].dt.normalize()
    posts = posts.sort_values("timestamp")
    sums = posts.groupby(["category", "day"])[["likes", "views"]].cumsum()
    posts["likes_so_far"], posts["views_so_far"] = sums["likes"], sums["views"]
    posts = posts.sort_values(["day", "category", "likes", "post_id"], ascending=[True, True, False, True])
    posts["place"] = posts.groupby(["category", "day"]).cumcount() + 1
    shown = ["day", "category", "place", "post_id", "likes", "likes_so_far", "views_so_far"]
    return posts.loc[posts["place"] <= 10, shown]


def social_c(read):
    users = read("users", ["user_id", "user_name", "home", "plan"], [("plan", "!=", "free")])
    posts = read("posts", ["user_id", "likes", "views", "latency"], [("device", "==", "mobile")])
    by = ["user_id", "user_name", "home", "plan"]
    reach = posts.merge(users, on="user_id").groupby(by).agg(
        posts=("likes", "size"),
        likes=("likes", "sum"),
        views=("views", "sum"),
        mean_latency=("latency", "mean"),
    )
    return reach.reset_index().sort_values(["views", "user_id"], ascending=[False, True]).head(100)


def social_tags(read):
    posts = read("posts", ["tags", "likes", "views"])
    reach = posts.explode("tags").groupby("tags").agg(
        posts=("likes", "size"), likes=("likes", "sum"), views=("views", "sum")
    )
    return reach.reset_index().sort_values(["posts", "tags"], ascending=[False, True])


def social_load(read):
    columns = ["post_id", "user_id", "timestamp", "content", "likes", "views"]
    return read("posts", [*columns, "category", "tags", "location", "device", "latency", "error_rate"])
