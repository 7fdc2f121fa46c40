//! A guest whose functions give back what they get, one for every type of WIT; and some that fork.

#[purefork_guest::module]
mod kinds {
    use purefork_guest::{Tensor, TensorType};

    /// Two fields.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Point {
        /// To the right.
        pub x: f64,
        /// Up.
        pub y: f64,
    }

    /// A record in a record, a list, an option.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Person {
        pub name: String,
        pub age: Option<u8>,
        pub home: Point,
        pub r#type: Colour,
        pub friends: Vec<String>,
    }

    /// More than 16 flattened parameters: it goes through memory.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Big {
        pub field_a: u8,
        pub field_b: i64,
        pub field_c: f32,
        pub field_d: String,
        pub field_e: bool,
        pub field_f: u8,
        pub field_g: i64,
        pub field_h: f32,
        pub field_i: String,
        pub field_j: bool,
        pub field_k: u8,
        pub field_l: i64,
        pub field_m: f32,
        pub field_n: String,
        pub field_o: bool,
        pub field_p: u8,
        pub field_q: i64,
        pub field_r: f32,
        pub field_s: String,
        pub field_t: bool,
    }

    /// No payloads.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Colour {
        Red,
        Green,
        /// Two words.
        DarkBlue,
    }

    /// With payloads and without.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Shape {
        Nothing,
        Circle(f64),
        Polygon(Vec<Point>),
        Named(Person),
        Text(String),
        Pair((u8, Point)),
    }

    /// An error of the module's own.
    #[derive(Clone, Debug, PartialEq)]
    pub enum Problem {
        Empty,
        TooLong(u32),
    }

    pub fn echo_s8(value: i8) -> i8 {
        value
    }
    pub fn echo_s16(value: i16) -> i16 {
        value
    }
    pub fn echo_s32(value: i32) -> i32 {
        value
    }
    pub fn echo_s64(value: i64) -> i64 {
        value
    }
    pub fn echo_u8(value: u8) -> u8 {
        value
    }
    pub fn echo_u16(value: u16) -> u16 {
        value
    }
    pub fn echo_u32(value: u32) -> u32 {
        value
    }
    pub fn echo_u64(value: u64) -> u64 {
        value
    }
    pub fn echo_f32(value: f32) -> f32 {
        value
    }
    pub fn echo_f64(value: f64) -> f64 {
        value
    }
    pub fn echo_bool(value: bool) -> bool {
        value
    }
    pub fn echo_char(value: char) -> char {
        value
    }
    pub fn echo_string(value: String) -> String {
        value
    }
    pub fn list_s8(value: Vec<i8>) -> Vec<i8> {
        value
    }
    pub fn list_s16(value: Vec<i16>) -> Vec<i16> {
        value
    }
    pub fn list_s32(value: Vec<i32>) -> Vec<i32> {
        value
    }
    pub fn list_s64(value: Vec<i64>) -> Vec<i64> {
        value
    }
    pub fn list_u8(value: Vec<u8>) -> Vec<u8> {
        value
    }
    pub fn list_u16(value: Vec<u16>) -> Vec<u16> {
        value
    }
    pub fn list_u32(value: Vec<u32>) -> Vec<u32> {
        value
    }
    pub fn list_u64(value: Vec<u64>) -> Vec<u64> {
        value
    }
    pub fn list_f32(value: Vec<f32>) -> Vec<f32> {
        value
    }
    pub fn list_f64(value: Vec<f64>) -> Vec<f64> {
        value
    }
    pub fn list_bool(value: Vec<bool>) -> Vec<bool> {
        value
    }
    pub fn list_char(value: Vec<char>) -> Vec<char> {
        value
    }
    pub fn list_string(value: Vec<String>) -> Vec<String> {
        value
    }
    pub fn list_list(value: Vec<Vec<i32>>) -> Vec<Vec<i32>> {
        value
    }
    pub fn list_list_string(value: Vec<Vec<String>>) -> Vec<Vec<String>> {
        value
    }
    pub fn list_record(value: Vec<Point>) -> Vec<Point> {
        value
    }
    pub fn list_variant(value: Vec<Shape>) -> Vec<Shape> {
        value
    }
    pub fn list_tuple(value: Vec<(String, u8)>) -> Vec<(String, u8)> {
        value
    }
    pub fn list_option(value: Vec<Option<u32>>) -> Vec<Option<u32>> {
        value
    }
    pub fn list_enum(value: Vec<Colour>) -> Vec<Colour> {
        value
    }
    pub fn echo_record(value: Point) -> Point {
        value
    }
    pub fn echo_person(value: Person) -> Person {
        value
    }
    pub fn echo_big(value: Big) -> Big {
        value
    }
    pub fn echo_variant(value: Shape) -> Shape {
        value
    }
    pub fn echo_enum(value: Colour) -> Colour {
        value
    }
    pub fn option_number(value: Option<u64>) -> Option<u64> {
        value
    }
    pub fn option_string(value: Option<String>) -> Option<String> {
        value
    }
    pub fn option_option(value: Option<Option<u8>>) -> Option<Option<u8>> {
        value
    }
    pub fn option_record(value: Option<Person>) -> Option<Person> {
        value
    }
    pub fn result_both(value: Result<u32, String>) -> Result<u32, String> {
        value
    }
    pub fn result_ok(value: Result<u32, ()>) -> Result<u32, ()> {
        value
    }
    pub fn result_err(value: Result<(), Problem>) -> Result<(), Problem> {
        value
    }
    pub fn result_none(value: Result<(), ()>) -> Result<(), ()> {
        value
    }
    pub fn tuple_two(value: (u8, String)) -> (u8, String) {
        value
    }
    pub fn tuple_nested(value: (f32, (bool, char), Point)) -> (f32, (bool, char), Point) {
        value
    }
    pub fn tuple_one(value: (i64,)) -> (i64,) {
        value
    }
    pub fn echo_tensor(value: Tensor) -> Tensor {
        value
    }
    pub fn echo_tensor_type(value: TensorType) -> TensorType {
        value
    }
    pub fn list_tensor(value: Vec<Tensor>) -> Vec<Tensor> {
        value
    }

    /// No parameters, no result.
    pub fn nothing() {}

    /// Seventeen parameters: they go through memory.
    #[allow(clippy::too_many_arguments)]
    pub fn many(
        pa: i32,
        pb: i32,
        pc: i32,
        pd: i32,
        pe: i32,
        pf: i32,
        pg: i32,
        ph: i32,
        pi: i32,
        pj: i32,
        pk: i32,
        pl: i32,
        pm: i32,
        pn: i32,
        po: i32,
        pp: i32,
        pq: i32,
    ) -> i32 {
        pa + pb + pc + pd + pe + pf + pg + ph + pi + pj + pk + pl + pm + pn + po + pp + pq
    }

    /// A parameter by reference.
    pub fn strlen(text: &str) -> u32 {
        text.len() as u32
    }

    /// A slice by reference.
    pub fn sum(numbers: &[i64]) -> i64 {
        numbers.iter().sum()
    }

    /// Named like a function that compiled code calls.
    pub fn exp(x: f64) -> f64 {
        x.exp()
    }

    /// Named like a memory.
    pub fn memory(main: u32) -> u32 {
        main
    }

    /// Named like a start.
    pub fn main() -> String {
        "main".to_owned()
    }

    /// Fibonacci's numbers, every one by two forks.
    pub fn fib(n: u32) -> u64 {
        if n < 2 {
            return n.into();
        }
        let (a, b) = (fork::fib(n - 1), fork::fib(n - 2));
        a.wait() + b.wait()
    }

    /// Fails on an empty text.
    pub fn shout(text: String) -> String {
        assert!(!text.is_empty(), "nothing to shout");
        text.to_uppercase()
    }

    /// Catches the failure of one of two forks.
    pub fn both(text: String) -> String {
        let (a, b) = (fork::shout(text), fork::shout(String::new()));
        format!("{:?} {:?}", a.try_wait(), b.try_wait())
    }

    /// Fails as its fork fails.
    pub fn fails() -> String {
        fork::shout(String::new()).wait()
    }

    /// An error that is a value: the fork succeeds.
    pub fn check(text: String) -> Result<u32, Problem> {
        match text.len() {
            0 => Err(Problem::Empty),
            n if n > 10 => Err(Problem::TooLong(n as u32)),
            n => Ok(n as u32),
        }
    }

    /// What `try_wait` makes of it.
    pub fn checked(text: String) -> Result<Result<u32, Problem>, String> {
        fork::check(text).try_wait()
    }

    /// Sends values of every kind through forks, and says whether they came back as they were.
    pub fn round_trip() -> bool {
        let home = Point { x: 1.5, y: -0.25 };
        let friends = vec!["b".to_owned(), String::new()];
        let person = Person { name: "a".to_owned(), age: Some(7), home, r#type: Colour::DarkBlue, friends };
        let shapes = vec![
            Shape::Nothing,
            Shape::Circle(0.5),
            Shape::Polygon(vec![home, home]),
            Shape::Named(person.clone()),
            Shape::Text("é".to_owned()),
            Shape::Pair((9, home)),
        ];
        let tensor = Tensor::new(&[2, 1], &[1.0f64, 2.0]).expect("two elements");
        fork::echo_person(person.clone()).wait() == person
            && fork::list_variant(shapes.clone()).wait() == shapes
            && fork::option_record(Some(person.clone())).wait() == Some(person)
            && fork::option_string(Some("x".to_owned())).wait().as_deref() == Some("x")
            && fork::result_both(Err("x".to_owned())).wait() == Err("x".to_owned())
            && fork::result_err(Err(Problem::TooLong(3))).wait() == Err(Problem::TooLong(3))
            && fork::tuple_two((1, "x".to_owned())).wait() == (1, "x".to_owned())
            && fork::tuple_nested((1.0, (true, 'x'), home)).wait() == (1.0, (true, 'x'), home)
            && fork::list_list_string(vec![vec!["x".to_owned()], vec![]]).wait() == [vec!["x".to_owned()], vec![]]
            && fork::echo_tensor(tensor.clone()).wait() == tensor
            && fork::list_tensor(vec![tensor.clone()]).wait() == [tensor]
            && fork::echo_tensor_type(TensorType::I64).wait() == TensorType::I64
            && fork::strlen("four").wait() == 4
            && fork::sum(&[1, 2, 3]).wait() == 6
            && fork::many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17).wait() == 153
            && fork::echo_enum(Colour::Green).try_wait() == Ok(Colour::Green)
            && fork::nothing().try_wait() == Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::kinds;

    #[test]
    fn natively_the_same() {
        assert!(kinds::round_trip());
        assert_eq!(kinds::fib(20), 6765);
        assert_eq!(kinds::both("hi".to_owned()), r#"Ok("HI") Err("nothing to shout")"#);
    }
}
