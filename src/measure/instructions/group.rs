//! The tasks as benchmarks of gungraun (the successor of iai-callgrind), which runs Valgrind and compares with the last time.

use iai_callgrind::{
    Bench, BinaryBenchmark, BinaryBenchmarkConfig, BinaryBenchmarkGroup, Callgrind, Command, Stdin, Stdio,
};

use super::{FILE, Task};

/// Counting is off until the program asks for it, right before the run that is watched.
const CALLGRIND: [&str; 3] = ["--instr-atstart=no", "--cache-sim=no", "--collect-systime=no"];

/// Adds a benchmark for each task.
///
/// # Panics
/// When it was not `cargo xtask instructions` that started the bench: there is no other way out of a group.
pub fn add(group: &mut BinaryBenchmarkGroup) {
    let tasks = read().unwrap_or_else(|why| panic!("{why}; start it with: cargo xtask instructions"));
    let mut config = BinaryBenchmarkConfig::default();
    config.env_clear(true).tool(Callgrind::with_args(CALLGRIND));
    for engine in tasks.chunk_by(|a, b| a.engine == b.engine) {
        let mut benchmark = BinaryBenchmark::new(&engine[0].engine);
        benchmark.config(config.clone());
        for task in engine {
            let mut command = Command::new(&task.program);
            command
                .args(&task.args)
                .envs(&task.env)
                .stdin(Stdin::File(task.requests.clone()))
                .stdout(Stdio::File(task.replies.clone()));
            benchmark.bench(Bench::new(&task.query).command(command));
        }
        group.binary_benchmark(benchmark);
    }
}

fn read() -> Result<Vec<Task>, String> {
    let file = std::env::var_os(FILE).ok_or_else(|| format!("{FILE} names no file of tasks"))?;
    let text = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))
}
