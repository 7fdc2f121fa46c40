//! What has a batch form is a function from without, with columns in and a column out.

use purefork_guest::batch;

#[purefork_guest::module]
mod batch_wrongly {
    #[batch]
    static ROWS: u32 = 0;

    #[batch]
    fn private(n: u32) -> u32 {
        n
    }

    #[batch(1024)]
    pub fn with_arguments(n: u32) -> u32 {
        n
    }

    #[batch]
    #[purefork_guest::batch]
    pub fn twice(n: u32) -> u32 {
        n
    }

    #[batch]
    #[init]
    pub fn loads(n: u32) {}

    #[batch]
    pub fn no_columns() -> u32 {
        1
    }

    #[batch]
    pub fn no_results(n: u32) {}

    extern "purefork" {
        #[batch]
        fn elsewhere(n: u32) -> u32;
    }
}

#[purefork_guest::module]
mod taken {
    #[batch]
    pub fn double(n: u32) -> u32 {
        2 * n
    }

    pub fn double_batch(n: Vec<u32>) -> Vec<u32> {
        n
    }
}

#[purefork_guest::module]
mod not_displayed {
    pub enum Wrong {
        Odd,
    }

    #[batch]
    pub fn half(n: u32) -> Result<u32, Wrong> {
        if n % 2 == 0 { Ok(n / 2) } else { Err(Wrong::Odd) }
    }
}

#[batch]
pub fn in_no_module() {}

fn main() {}
