//! The program that compiles protocol files: [`querydyno::protoc::run`] over the arguments.

fn main() -> anyhow::Result<()> {
    querydyno::protoc::run(std::env::args().skip(1))
}
