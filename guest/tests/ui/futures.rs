//! A future is waited for once, and as what it is.

#[purefork_guest::module]
mod futures {
    pub fn number() -> u32 {
        1
    }

    pub fn text() -> String {
        let mut future = fork::number();
        future = fork::text();
        future.wait()
    }

    pub fn twice() -> u32 {
        let future = fork::number();
        future.wait() + future.wait()
    }

    pub fn wrong_argument() -> u32 {
        fork::add(1, "2").wait()
    }

    pub fn add(a: u32, b: u32) -> u32 {
        a + b
    }
}

fn main() {}
