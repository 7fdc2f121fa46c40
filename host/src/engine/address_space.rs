//! How much address space the process has left: it may be too little for pools of sandboxes.
//!
//! A pool reserves addresses, which takes no memory. But `ulimit -v` limits addresses, `ulimit -d` those that can be written
//! to, and a processor or kernel may have 39 bits of them instead of 47. So the free space is looked up before pools are
//! planned. A limit that cannot be looked up shows when a pool is refused.

use std::io::ErrorKind;

/// The address space where there is no limit, or none can be read.
const PLENTY: u64 = 1 << 47;

/// What a process may still take, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AddressSpace {
    /// Addresses.
    pub(super) addresses: u64,
    /// Addresses mapped as writable, whether they were written to or not.
    pub(super) writable: u64,
}

impl AddressSpace {
    /// What this process may still take.
    pub(super) fn free() -> AddressSpace {
        let (mut addresses, mut writable) = (PLENTY, PLENTY);
        if cfg!(target_os = "linux") {
            let limits = read("/proc/self/limits");
            let (used, data) = used();
            let left = |name, used: u64| limit(&limits, name).map_or(u64::MAX, |most| most.saturating_sub(used));
            addresses = bits().saturating_sub(used).min(left(ADDRESSES, used));
            writable = addresses.min(left("Max data size", data)).min(committable());
        }
        AddressSpace { addresses, writable }
    }
}

/// The name of `ulimit -v` in `/proc/self/limits`.
const ADDRESSES: &str = "Max address space";

/// The help of an error for a host that is short of address space, memory, mappings or files.
pub(crate) fn advice() -> String {
    let limits = read("/proc/self/limits");
    let mib = |bytes: u64| bytes >> 20;
    match limit(&limits, ADDRESSES) {
        Some(most) => format!(
            "the process may have {} MiB of address space (`ulimit -v`, RLIMIT_AS), and has {} MiB: raise that limit, or lower `Limits::memory` (`--memory`), `Limits::stack`, `Limits::depth` (`--depth`) or the number of threads (`--threads`)",
            mib(most),
            mib(used().0)
        ),
        None => "give the process more memory, or lower `Limits::memory` (`--memory`), `Limits::stack`, `Limits::depth` (`--depth`) or the number of threads (`--threads`)".to_owned(),
    }
}

/// Whether something failed because the host is short of memory, addresses, mappings or file descriptors.
pub(crate) fn is_short(error: &wasmtime::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    error.chain().any(|cause| {
        #[cfg(target_os = "linux")]
        if let Some(errno) = cause.downcast_ref::<rustix::io::Errno>() {
            use rustix::io::Errno;
            return matches!(*errno, Errno::NOMEM | Errno::AGAIN | Errno::MFILE | Errno::NFILE);
        }
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| {
            matches!(error.kind(), ErrorKind::OutOfMemory | ErrorKind::WouldBlock)
                || (cfg!(unix) && matches!(error.raw_os_error(), Some(ENFILE | EMFILE)))
        })
    })
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The soft limit of that name; none if it is unlimited or not there.
pub(super) fn limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The limits of this process, as the kernel writes them.
pub(super) fn limits() -> String {
    read("/proc/self/limits")
}

/// The addresses that the process has taken, and the writable ones among them, in bytes.
fn used() -> (u64, u64) {
    #[cfg(target_os = "linux")]
    {
        let sizes = read("/proc/self/statm");
        let pages = |at| sizes.split_whitespace().nth(at).and_then(|pages| pages.parse().ok()).unwrap_or(0u64);
        let page = rustix::param::page_size() as u64;
        (pages(0).saturating_mul(page), pages(5).saturating_mul(page))
    }
    #[cfg(not(target_os = "linux"))]
    (0, 0)
}

/// The size of the address space on this kernel, told from the address of the stack, which lies at its upper end.
fn bits() -> u64 {
    let here = 0u8;
    ((&raw const here).addr() as u64).checked_next_power_of_two().unwrap_or(PLENTY).clamp(1 << 32, PLENTY)
}

/// What the kernel would still commit, where it does not overcommit.
fn committable() -> u64 {
    if read("/proc/sys/vm/overcommit_memory").trim() != "2" {
        return u64::MAX;
    }
    let all = read("/proc/meminfo");
    let kib = |name| limit(&all, name).unwrap_or(0);
    kib("CommitLimit:").saturating_sub(kib("Committed_AS:")).saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_the_kernel_writes_them() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max data size             unlimited            unlimited            bytes     \n\
                      Max address space         4096000000           unlimited            bytes     \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(limit(limits, ADDRESSES), Some(4_096_000_000));
        assert_eq!(limit(limits, "Max open files"), Some(1024));
        assert_eq!(limit(limits, "Max data size"), None);
        assert_eq!(limit("", ADDRESSES), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_address_space_left() {
        let free = AddressSpace::free();
        assert!(free.addresses > 0 && free.writable <= free.addresses, "{free:?}");
        assert!(used().0 > 1 << 20);
    }

    #[test]
    fn what_the_host_is_short_of_is_told_from_other_errors() {
        let io = |errno| wasmtime::Error::from(std::io::Error::from_raw_os_error(errno)).context("on the way");
        if cfg!(target_os = "linux") {
            assert!([11, 12, 23, 24].into_iter().all(|errno| is_short(&io(errno))));
            assert!(!is_short(&io(2)));
        }
        assert!(!is_short(&wasmtime::format_err!("another")));
    }
}
