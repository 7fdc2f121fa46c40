//! The same module as plain Rust: a fork calls at once.

use native::{Colour, Leaf};

#[purefork_guest::module]
mod native {
    //! A module may have documentation of its own.
    #![allow(clippy::needless_pass_by_value)]

    use std::cell::Cell;
    use std::sync::OnceLock;

    thread_local! { static CALLS: Cell<u32> = const { Cell::new(0) } }

    extern "purefork" {
        /// Is there only when purefork links a module that has it.
        fn elsewhere(text: String, numbers: Vec<u8>) -> u32;
    }

    /// A struct that is not even `Clone`.
    #[derive(Debug, PartialEq)]
    pub struct Leaf {
        pub r#type: Colour,
        pub text: String,
    }

    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Colour {
        Red,
        DarkBlue,
    }

    pub fn leaf(r#type: Colour, text: &str) -> Leaf {
        assert!(!text.is_empty(), "a leaf needs a text, not {text:?}");
        CALLS.set(CALLS.get() + 1);
        Leaf { r#type, text: text.to_owned() }
    }

    pub fn leaves(texts: Vec<String>) -> Vec<Leaf> {
        let forks = texts.iter().map(|text| fork::leaf(Colour::DarkBlue, text));
        purefork_guest::wait_all(forks)
    }

    pub fn r#loop(n: u64) -> u64 {
        (1..=n).sum()
    }

    pub fn fails(text: String) -> Leaf {
        fork::leaf(Colour::Red, &text).wait()
    }

    pub(crate) fn caught(text: String) -> Result<Leaf, String> {
        fork::fails(text).try_wait()
    }

    pub(crate) fn calls() -> u32 {
        let abandoned = fork::leaf(Colour::Red, "x");
        drop(abandoned);
        CALLS.get()
    }

    pub(crate) fn linked() -> Result<u32, String> {
        fork::elsewhere(String::new(), vec![]).try_wait()
    }

    static GREETING: OnceLock<String> = OnceLock::new();

    #[init]
    pub fn load(greeting: &str) -> Result<(), String> {
        GREETING.set(greeting.to_owned()).map_err(|_| "loaded already".to_owned())
    }

    pub fn greet(name: &str) -> Result<String, String> {
        let greeting = GREETING.get().ok_or("nothing is loaded")?;
        Ok(format!("{greeting}, {name}"))
    }

    pub(crate) fn greeted(name: &str) -> Result<String, String> {
        fork::greet(name).wait()
    }

    #[batch]
    pub fn join(texts: &[String], between: &str) -> String {
        texts.join(between)
    }

    #[batch]
    pub fn half(n: u32) -> Result<u32, Leaf> {
        if n.is_multiple_of(2) { Ok(n / 2) } else { Err(Leaf { r#type: Colour::Red, text: format!("{n} is odd") }) }
    }

    impl std::fmt::Display for Leaf {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{:?}: {}", self.r#type, self.text)
        }
    }

    pub(crate) fn joined(texts: Vec<Vec<String>>, between: Vec<String>) -> Result<Vec<String>, String> {
        fork::join_batch(texts, between).try_wait()
    }

    pub(crate) fn raw() -> u64 {
        fork::r#loop(4).wait()
    }
}

#[test]
fn a_fork_gives_what_the_function_returns() {
    let leaf = Leaf { r#type: Colour::DarkBlue, text: "a".to_owned() };
    assert_eq!(native::leaves(vec!["a".to_owned()]), [leaf]);
    assert_eq!(native::raw(), 10);
}

#[test]
fn a_fork_calls_at_once_on_the_same_thread() {
    assert_eq!(native::calls(), 1);
}

#[test]
fn try_wait_catches_a_panic_s_message_through_a_wait() {
    assert_eq!(native::caught(String::new()).unwrap_err(), "a leaf needs a text, not \"\"");
}

#[test]
fn a_function_of_another_module_is_not_there() {
    let text = "`elsewhere` is a function of another module: it is there when purefork links that module";
    assert_eq!(native::linked().unwrap_err(), text);
}

#[test]
fn what_an_init_function_loads_is_there_for_all_that_follow() {
    assert_eq!(native::greeted("you").unwrap_err(), "nothing is loaded");
    native::load("hello").unwrap();
    assert_eq!(native::greeted("you").unwrap(), "hello, you");
    assert_eq!(native::load("bye").unwrap_err(), "loaded already");
}

#[test]
fn a_batch_calls_its_function_for_each_row() {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
    let texts = vec![words(&["a", "b"]), vec![], words(&["c", "d", "e"])];
    assert_eq!(native::joined(texts.clone(), words(&["-", "", "+"])), Ok(words(&["a-b", "", "c+d+e"])));
    assert_eq!(
        native::joined(texts, words(&["-"])),
        Err("columns of different lengths: `texts` has 3 rows, `between` has 1".to_owned())
    );
    assert_eq!(native::join_batch(vec![], vec![]), Vec::<String>::new());
}

#[test]
fn a_batch_ends_with_the_first_row_that_has_an_error() {
    assert_eq!(native::half_batch(vec![2, 4, 6]), Ok(vec![1, 2, 3]));
    assert_eq!(native::half_batch(vec![2, 4, 5, 7]), Err("row 2: Red: 5 is odd".to_owned()));
}
