//! WASI 0.1, the functions of `wasi_snapshot_preview1`.

use serde::{Deserialize, Serialize};

use crate::ir::CoreType;

macro_rules! functions {
    ($($variant:ident $name:literal ($($param:ident)*);)*) => {
        /// A function of WASI 0.1.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub(crate) enum Preview1 {
            $($variant,)*
        }

        impl Preview1 {
            /// The function of that name.
            pub(crate) fn find(name: &str) -> Option<Preview1> {
                match name {
                    $($name => Some(Preview1::$variant),)*
                    _ => None,
                }
            }

            pub(crate) fn params(self) -> &'static [CoreType] {
                match self {
                    $(Preview1::$variant => &[$(CoreType::$param),*],)*
                }
            }
        }
    };
}

functions! {
    ArgsGet "args_get" (I32 I32);
    ArgsSizesGet "args_sizes_get" (I32 I32);
    EnvironGet "environ_get" (I32 I32);
    EnvironSizesGet "environ_sizes_get" (I32 I32);
    ClockResGet "clock_res_get" (I32 I32);
    ClockTimeGet "clock_time_get" (I32 I64 I32);
    FdAdvise "fd_advise" (I32 I64 I64 I32);
    FdAllocate "fd_allocate" (I32 I64 I64);
    FdClose "fd_close" (I32);
    FdDatasync "fd_datasync" (I32);
    FdFdstatGet "fd_fdstat_get" (I32 I32);
    FdFdstatSetFlags "fd_fdstat_set_flags" (I32 I32);
    FdFdstatSetRights "fd_fdstat_set_rights" (I32 I64 I64);
    FdFilestatGet "fd_filestat_get" (I32 I32);
    FdFilestatSetSize "fd_filestat_set_size" (I32 I64);
    FdFilestatSetTimes "fd_filestat_set_times" (I32 I64 I64 I32);
    FdPread "fd_pread" (I32 I32 I32 I64 I32);
    FdPrestatGet "fd_prestat_get" (I32 I32);
    FdPrestatDirName "fd_prestat_dir_name" (I32 I32 I32);
    FdPwrite "fd_pwrite" (I32 I32 I32 I64 I32);
    FdRead "fd_read" (I32 I32 I32 I32);
    FdReaddir "fd_readdir" (I32 I32 I32 I64 I32);
    FdRenumber "fd_renumber" (I32 I32);
    FdSeek "fd_seek" (I32 I64 I32 I32);
    FdSync "fd_sync" (I32);
    FdTell "fd_tell" (I32 I32);
    FdWrite "fd_write" (I32 I32 I32 I32);
    PathCreateDirectory "path_create_directory" (I32 I32 I32);
    PathFilestatGet "path_filestat_get" (I32 I32 I32 I32 I32);
    PathFilestatSetTimes "path_filestat_set_times" (I32 I32 I32 I32 I64 I64 I32);
    PathLink "path_link" (I32 I32 I32 I32 I32 I32 I32);
    PathOpen "path_open" (I32 I32 I32 I32 I32 I64 I64 I32 I32);
    PathReadlink "path_readlink" (I32 I32 I32 I32 I32 I32);
    PathRemoveDirectory "path_remove_directory" (I32 I32 I32);
    PathRename "path_rename" (I32 I32 I32 I32 I32 I32);
    PathSymlink "path_symlink" (I32 I32 I32 I32 I32);
    PathUnlinkFile "path_unlink_file" (I32 I32 I32);
    PollOneoff "poll_oneoff" (I32 I32 I32 I32);
    ProcExit "proc_exit" (I32);
    ProcRaise "proc_raise" (I32);
    RandomGet "random_get" (I32 I32);
    SchedYield "sched_yield" ();
    SockAccept "sock_accept" (I32 I32 I32);
    SockRecv "sock_recv" (I32 I32 I32 I32 I32 I32);
    SockSend "sock_send" (I32 I32 I32 I32 I32);
    SockShutdown "sock_shutdown" (I32 I32);
}

impl Preview1 {
    /// The parameters where each 64-bit integer is passed in two halves, the lower first: so Emscripten has it for JavaScript without
    /// `BigInt`.
    pub(crate) fn split_params(self) -> Vec<CoreType> {
        let halves = |ty: &CoreType| match ty {
            CoreType::I64 => vec![CoreType::I32, CoreType::I32],
            ty => vec![*ty],
        };
        self.params().iter().flat_map(halves).collect()
    }

    /// All give a number that says what went wrong, but for the one that does not return.
    pub(crate) fn results(self) -> &'static [CoreType] {
        if self == Preview1::ProcExit { &[] } else { &[CoreType::I32] }
    }
}
