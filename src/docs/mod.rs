//! The documentation: one page for each question. README is the short form of it.
//!
//! | question | page |
//! |---|---|
//! | How is it measured, and why can two results be compared? | [`methodology`] |
//! | Who could be favoured by what we do? | [`bias`] |
//! | What did we measure? | [`results`] |
//! | Which engines and suites are there? | [`engines`], [`capabilities`], [`support`], [`defects`] |
//! | Which command answers my question? | [`commands`] |
//! | What can I set? | [`configuration`] |
//! | How do I measure my own SQL? | [`own_queries`] |
//! | How do I see and share results? | [`report`], [`history`], [`api`], [`export`] |
//! | How do I fail a pull request that is slower? | [`gate`], [`gate_validation`] |
//! | Is it the engine, or the build? What do I need? | [`builds`] |
//! | How do I measure servers, tables on S3, Iceberg tables? | [`services`], [`s3`], [`iceberg`] |
//! | How do I measure on EC2, one machine for each engine? | [`cloud`], [`cloud_rights`] |
//! | What do social-media posts show, and what is asked of the pipeline? | [`posts`], [`pod_usage`] |
//! | What do the words mean, and how is it built? | [`glossary`], [`architecture`] |
//!
//! Pages name each other as `[gate]`. `links.md` leads these names to modules here; at the end of a page they lead to files, for
//! whoever reads them in the repository. `tests/docs.rs` runs their commands. They are compiled with the documentation only, so that a page
//! that changes makes no program stale.

/// A page: a module whose documentation is the file.
macro_rules! pages {
    ($($name:ident = $file:literal,)*) => {$(
        #[doc = include_str!("links.md")]
        #[doc = include_str!($file)]
        pub mod $name {}
    )*};
}

pages! {
    api = "api.md",
    architecture = "architecture.md",
    bias = "bias.md",
    builds = "builds.md",
    capabilities = "capabilities.md",
    cloud = "cloud.md",
    cloud_rights = "cloud_rights.md",
    commands = "commands.md",
    configuration = "configuration.md",
    defects = "defects.md",
    engines = "engines.md",
    export = "export.md",
    gate = "gate.md",
    gate_validation = "gate_validation.md",
    glossary = "glossary.md",
    history = "history.md",
    iceberg = "iceberg.md",
    methodology = "methodology.md",
    own_queries = "own_queries.md",
    pod_usage = "pod-usage.md",
    posts = "posts.md",
    report = "report.md",
    results = "results.md",
    s3 = "s3.md",
    services = "services.md",
    serving_measured = "serving_measured.md",
    support = "support.md",
}
