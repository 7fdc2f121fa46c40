//! What a host in another language needs: names of types, values by position, a wait that can look up.

use purefork::inspect::TypeName;
use purefork::{Args, ErrorKind, Executor, Module, Value, value::Type};
use purefork_tests::guests::MATH;
use purefork_tests::{compiled, each_executor, error, loaded};
use std::thread;
use std::time::Duration;

/// The name of a type and those of its parts, written out: `person(_, _(_), point(_, _))`.
fn written(name: &TypeName, ty: &Type) -> String {
    let parts: Vec<Option<&Type>> = match ty {
        Type::List(inner) | Type::Option(inner) => vec![Some(inner)],
        Type::Record(fields) => fields.iter().map(|(_, ty)| Some(ty)).collect(),
        Type::Tuple(types) => types.iter().map(Some).collect(),
        Type::Variant(cases) => cases.iter().map(|(_, ty)| ty.as_ref()).collect(),
        Type::Result(types) => vec![types.0.as_ref(), types.1.as_ref()],
        _ => Vec::new(),
    };
    let inner = parts.iter().enumerate().map(|(at, ty)| ty.map_or("-".to_owned(), |ty| written(name.part(at), ty)));
    let inner = inner.collect::<Vec<_>>().join(", ");
    let own = name.name.as_deref().unwrap_or("_");
    if inner.is_empty() { own.to_owned() } else { format!("{own}({inner})") }
}

/// The names of the types of a function's parameters and results.
fn names(module: &Module, function: &str) -> String {
    let inspection = module.inspect();
    let at = inspection.functions.iter().position(|known| known.exact == function).expect("it is exported");
    let (names, function) = (&module.type_names().unwrap()[at], &inspection.functions[at]);
    let params = names.params.iter().zip(&function.params).map(|(name, param)| written(name, &param.ty));
    let results = names.results.iter().zip(&function.results).map(|(name, ty)| written(name, ty));
    format!("{} -> {}", params.collect::<Vec<_>>().join(", "), results.collect::<Vec<_>>().join(", "))
}

#[test]
fn types_are_called_what_the_wit_calls_them() {
    let exec = Executor::builder().serial().build().unwrap();
    let kinds = exec.load_bytes(compiled("kinds")).unwrap();
    let person = "person(_, _(_), point(_, _), colour, _(_))";
    assert_eq!(names(&kinds, "echo-person"), format!("{person} -> {person}"));
    let shape = format!("shape(-, _, _(point(_, _)), {person}, _, _(_, point(_, _)))");
    assert_eq!(names(&kinds, "echo-variant"), format!("{shape} -> {shape}"));
    assert_eq!(names(&kinds, "echo-s8"), "_ -> _");
}

#[test]
fn of_two_types_of_the_same_parts_each_has_its_own_name_and_its_interface() {
    let exec = Executor::builder().serial().build().unwrap();
    let module = exec
        .load_bytes(
            r#"(component
                (core module $m (func (export "f") (param f64 f64) (result f64) (local.get 0)))
                (core instance $i (instantiate $m))
                (type $a (record (field "x" f64)))
                (import "left" (type $left (eq $a)))
                (import "right" (type $right (eq $a)))
                (func $f (param "p" $left) (param "q" $right) (result f64) (canon lift (core func $i "f")))
                (export "f" (func $f)))"#,
        )
        .unwrap();
    assert_eq!(names(&module, "f"), "left(_), right(_) -> _");
    assert_eq!(module.type_names().unwrap()[0].params[0].interface, None);
}

#[test]
fn a_core_module_has_no_names_of_types() {
    each_executor(|exec| assert_eq!(names(&loaded(exec, MATH), "add"), " -> "));
}

#[test]
fn a_function_whose_types_are_not_known_takes_values_by_position() {
    each_executor(|exec| {
        let add = loaded(exec, MATH).function::<Args, Value>("add").unwrap();
        assert_eq!(add.fork([Value::I32(2), Value::U8(3)]).wait().unwrap(), Value::I32(5));
        assert_eq!(add.fork(vec![Value::I32(2), Value::I32(-3)]).wait().unwrap(), Value::I32(-1));
        let few = error(add.fork([Value::I32(2)]).wait());
        assert_eq!(few.kind(), ErrorKind::ArgumentMismatch);
        assert!(
            few.to_string().starts_with("expected `add(a: i32, b: i32) -> i32`, but was given 1 argument"),
            "{few}"
        );
        let wrong = error(add.fork([Value::I32(2), Value::F64(0.5)]).wait());
        assert!(wrong.to_string().starts_with("argument `b` of `add`: expected i32, but was given 0.5"), "{wrong}");
    });
}

#[test]
fn a_thread_that_waits_may_run_the_call_and_is_told_if_it_did_not() {
    each_executor(|exec| {
        let math = loaded(exec, MATH);
        let square = math.function::<i32, i32>("square").unwrap();
        let future = square.fork(7);
        let there = future.run_here();
        assert_eq!(there, future.is_done());
        assert_eq!(future.wait().unwrap(), 49);
        assert!(future.run_here(), "what is there stays there");
    });
    let (promise, future) = purefork::promise::<i32>();
    assert!(!future.run_here(), "nobody can run what a host completes");
    promise.set(1).unwrap();
    assert!(future.run_here());
}

#[test]
fn a_call_that_runs_on_the_thread_that_waits_is_cancelled_by_another() {
    let exec = Executor::builder().threads(1).build().unwrap();
    let spin = loaded(&exec, MATH).function::<(), i32>("spin").unwrap();
    // The one worker is busy with the first, so that the second is there to be run.
    let (first, second) = (spin.fork(()), spin.fork(()));
    let other = second.clone();
    let watch = thread::spawn(move || {
        thread::sleep(Duration::from_millis(20));
        other.cancel()
    });
    assert!(second.run_here());
    assert_eq!(error(second.wait()).kind(), ErrorKind::Cancelled);
    assert!(watch.join().unwrap());
    first.cancel();
}
