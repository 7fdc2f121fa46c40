use super::syntax::{Expression, parsed};

#[test]
fn a_script_is_statements_of_calls() {
    let call = |name: &str, args| Expression::Call(name.to_owned(), args);
    let name = |name: &str| Expression::Name(name.to_owned());
    let statements = parsed("h = init();\nupdate(h,\n  data, len) ; u32(&4) = 0x10\nbytes(h, 8)").unwrap();
    assert_eq!(statements.len(), 4);
    assert_eq!(statements[0].name.as_deref(), Some("h"));
    assert_eq!(statements[1].value, call("update", vec![name("h"), name("data"), name("len")]));
    assert_eq!(
        statements[2].at,
        Some(("u32".to_owned(), Expression::Room(Box::new(Expression::Number("4".to_owned())))))
    );
    assert_eq!(statements[3].value, call("bytes", vec![name("h"), Expression::Number("8".to_owned())]));
}

#[test]
fn what_is_no_script_is_told_with_its_place() {
    let told = |script: &str| parsed(script).unwrap_err().message().to_owned();
    assert_eq!(told(" ; "), "expected a script, such as `f(data, len(data))`, but it is empty");
    assert_eq!(told("f(1 2)"), "expected `,` or `)` in the script, but `2` stands at byte 4");
    assert_eq!(told("f(1"), "expected `,` or `)` in the script, but it ends there");
    assert_eq!(told("f(1) g()"), "expected `;` or nothing more in the script, but `g` stands at byte 5");
    assert_eq!(
        told("1 = f()"),
        "expected a name, or a place such as `u32(p)`, before `=` in the script, but `=` stands at byte 2"
    );
    assert_eq!(told("f(&x)"), "expected how many bytes, such as `&32`, in the script, but `x` stands at byte 3");
    assert_eq!(told("f(\"a)"), "the script has a text at byte 2 that does not end, or has a wrong escape");
    assert_eq!(told("f(?)"), "the script has `?` at byte 2, which means nothing there");
    assert_eq!(told("f(+)"), "expected a value in the script, but `+` stands at byte 2");
    assert_eq!(told("(1 + 2"), "expected `)` in the script, but it ends there");
    let long = format!("1{}", " + 1".repeat(65));
    assert_eq!(told(&long), "a statement of the script has more than 64 of `+`, `-` and `*`");
    assert_eq!(told(&"f(".repeat(100)), "the script's calls lie more than 64 levels within each other");
}
