//! Functions that nobody could call from without.

#[purefork_guest::module]
mod functions {
    pub fn generic<T>(value: T) -> T {
        value
    }

    pub fn constant<const N: u32>() -> u32 {
        N
    }

    pub fn lifetime<'a>(text: &'a str) -> u32 {
        text.len() as u32
    }

    pub async fn later(value: u32) -> u32 {
        value
    }

    pub unsafe fn careless(value: u32) -> u32 {
        value
    }

    pub extern "C" fn foreign(value: u32) -> u32 {
        value
    }

    pub fn method(self) -> u32 {
        0
    }

    pub fn pattern((a, b): (u32, u32)) -> u32 {
        a + b
    }

    #[cfg(feature = "some")]
    pub fn sometimes() {}

    extern "purefork" {
        fn variadic(first: u32, ...);
        static VALUE: u32;
    }

    pub union Union {
        a: u32,
        b: f32,
    }
}

fn main() {}
