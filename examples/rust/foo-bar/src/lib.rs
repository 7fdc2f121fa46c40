//! A function that forks another: the smallest guest in Rust.

#[purefork_guest::module]
mod foo_bar {
    /// The sum of two numbers.
    pub fn foo(a: i32, b: i32) -> i32 {
        a + b
    }

    /// The sum of a number and 2, by a fork.
    pub fn bar(a: i32) -> i32 {
        let sum = fork::foo(a, 2);
        sum.wait()
    }
}

#[cfg(test)]
mod tests {
    use super::foo_bar;

    #[test]
    fn bar_adds_2() {
        assert_eq!(foo_bar::bar(40), 42);
    }
}
