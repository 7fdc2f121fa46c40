//! What loads the state of all calls is called from without, once, and gives nothing back.

use purefork_guest::init;

#[purefork_guest::module]
mod init_wrongly {
    use std::sync::OnceLock;

    #[init]
    static MODEL: OnceLock<Vec<f32>> = OnceLock::new();

    #[init]
    fn private() {}

    #[init(once)]
    pub fn with_arguments() {}

    #[init]
    #[purefork_guest::init]
    pub fn twice() {}

    extern "purefork" {
        #[init]
        fn elsewhere();
    }
}

#[purefork_guest::module]
mod returning {
    #[init]
    pub fn value() -> u32 {
        1
    }

    type Loaded = Result<u32, String>;

    #[init]
    pub fn result() -> Loaded {
        Ok(1)
    }
}

#[purefork_guest::module]
mod forked {
    #[init]
    pub fn load(bytes: Vec<u8>) {
        assert!(!bytes.is_empty());
    }

    pub fn run() {
        let load = fork::load(vec![1]);
        load.wait();
    }
}

#[init]
pub fn in_no_module() {}

fn main() {}
