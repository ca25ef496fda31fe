//! The page of a package in a package index (PEP 503): where a file of that name is.

use super::url;

/// The address of the file in the page that came from `page_url`; `None` when the page does not name it.
pub(super) fn link(page: &str, page_url: &str, file: &str) -> Option<String> {
    let base = hrefs(page, "<base").next().map_or_else(|| page_url.to_owned(), |base| url::join(page_url, &base));
    let named = |address: &String| {
        let path = address.split(['#', '?']).next().unwrap_or_default();
        url::decoded(path.rsplit('/').next().unwrap_or_default()) == file
    };
    let address = hrefs(page, "<a").find(named)?;
    let address = url::join(&base, address.split('#').next().unwrap_or_default());
    Some(url::with_login_of(page_url, &address))
}

/// Where all tags of that name lead to.
fn hrefs(page: &str, tag: &str) -> impl Iterator<Item = String> {
    page.split(tag).skip(1).filter_map(|rest| {
        let inside = rest.starts_with(char::is_whitespace).then(|| rest.split('>').next())??;
        let value = inside.split("href").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        let value = value[1..].split(quote).next()?;
        Some(value.trim().replace("&amp;", "&"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "duckdb-2.0.0+x-cp311.whl";

    fn found(href: &str, page_url: &str) -> Option<String> {
        let page = format!(
            "<!DOCTYPE html><html><body><a href=\"duckdb-1.whl\">x</a><abbr href='{FILE}'></abbr>\n<a data-a=\"1\"\n href=\"{href}\" data-requires-python=\"&gt;=3.10\">y</a></body>"
        );
        link(&page, page_url, FILE)
    }

    #[test]
    fn link_follows_addresses_as_a_browser_does() {
        let page = "https://host:8/index/simple/duckdb/";
        for (href, address) in [
            ("https://files/a/duckdb-2.0.0+x-cp311.whl#sha256=00", "https://files/a/duckdb-2.0.0+x-cp311.whl"),
            ("//files/duckdb-2.0.0%2Bx-cp311.whl?a=1&amp;b=2", "https://files/duckdb-2.0.0%2Bx-cp311.whl?a=1&b=2"),
            ("/p/duckdb-2.0.0+x-cp311.whl", "https://host:8/p/duckdb-2.0.0+x-cp311.whl"),
            ("../../p/duckdb-2.0.0+x-cp311.whl", "https://host:8/index/p/duckdb-2.0.0+x-cp311.whl"),
            ("duckdb-2.0.0+x-cp311.whl", "https://host:8/index/simple/duckdb/duckdb-2.0.0+x-cp311.whl"),
        ] {
            assert_eq!(found(href, page).as_deref(), Some(address));
        }
        assert_eq!(found("duckdb-2.0.0+x-cp312.whl", page), None);
    }

    #[test]
    fn link_keeps_the_login_of_the_index_on_its_own_host() {
        let page = "https://me:word@host/simple/duckdb/";
        let on = |host: &str| found(&format!("https://{host}/{FILE}"), page).unwrap();
        assert_eq!(on("host"), format!("https://me:word@host/{FILE}"));
        assert_eq!(on("other"), format!("https://other/{FILE}"));
        assert_eq!(found(FILE, page).unwrap(), format!("{page}{FILE}"));
    }
}
