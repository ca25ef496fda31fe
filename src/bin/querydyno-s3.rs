//! The program that puts tables on S3 for the host, and stands between engines and a store.

fn main() -> std::process::ExitCode {
    querydyno::s3::main()
}
