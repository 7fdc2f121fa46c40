//! What compiling costs, beside what `Limits::compile` counts it as: files in, a table out.
//!
//! Each module is loaded by a process of its own, whose processor time and largest size are asked of the kernel.

use purefork::{Executor, Limits, Wasi};
use std::process::Command;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if let [flag, path] = args.as_slice()
        && flag == "--load"
    {
        return load(path);
    }
    println!("{:>10} {:>8} {:>8} {:>8} {:>8}  module", "bytes", "cost", "cpu s", "MiB", "ratio");
    for path in &args {
        measure(path);
    }
}

fn load(path: &str) {
    let before = usage();
    let exec = Executor::builder()
        .threads(1)
        .wasi(Wasi::Frozen)
        .limits(
            Limits::default()
                .memory(1 << 30)
                .compile(std::env::var("COMPILE_LIMIT").ok().and_then(|n| n.parse().ok()).unwrap_or(u32::MAX)),
        )
        .build()
        .expect("limits");
    let loaded = exec.load(path);
    let after = usage();
    let cost = std::fs::read(path).ok().and_then(|bytes| Executor::builder().wasi(Wasi::Frozen).inspect(bytes).ok());
    let cost = cost.map_or(0, |inspection| inspection.compile);
    let error = loaded.err().map(|error| error.to_string().lines().next().unwrap_or_default().to_owned());
    println!("{} {} {cost} {}", after.0 - before.0, after.1, error.unwrap_or_default());
}

/// Processor time in hundredths of a second, and the most memory in KiB.
fn usage() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a process");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let status = std::fs::read_to_string("/proc/self/status").expect("a process");
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let number = |text: &str| text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
    (number(fields[11]) + number(fields[12]), number(most))
}

fn measure(path: &str) {
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    let program = std::env::current_exe().expect("a program");
    let command = "ulimit -t 120; exec \"$0\" --load \"$1\"";
    let output = Command::new("sh").args(["-c", command]).arg(program).arg(path).output().expect("a shell");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut fields = text.trim_end().splitn(4, ' ');
    let mut number = || fields.next().and_then(|n| n.parse::<u64>().ok());
    match (number(), number(), number()) {
        (Some(cpu), Some(most), Some(cost)) => {
            let (cpu, mib, cost) = (cpu as f64 / 100.0, most / 1024, cost as f64 / 1000.0);
            let ratio = (cpu.max(mib as f64 / 256.0)) / cost;
            let error = fields.next().unwrap_or_default();
            println!("{bytes:>10} {cost:>8.2} {cpu:>8.2} {mib:>8} {ratio:>8.2}  {path} {error}");
        }
        _ => println!("{bytes:>10} {:>8} {:>8} {:>8} {:>8}  {path} (ended: {})", "", ">120", "", "", output.status),
    }
}
