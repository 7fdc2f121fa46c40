//! Values as another host passes them: wasmtime's own component runtime.

use super::random::{Core, Written, any_type, flat, has_pointers, value};
use proptest::prelude::*;
use purefork::value::Type;
use purefork::{Args, Executor, Module, Value};
use purefork_tests::components::LIBC;
use purefork_tests::{Mode, Watchdog, loaded};
use std::sync::{Arc, LazyLock};
use wasmtime::component::{Component, Linker, Val};
use wasmtime::{Engine, Store};

static EXECUTOR: LazyLock<Executor> = LazyLock::new(|| Mode::Serial.executor());
static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::default);

/// A component in both hosts.
struct Both {
    ours: Module,
    theirs: Component,
}

impl Both {
    fn new(wat: &str) -> Both {
        let theirs = Component::new(&ENGINE, wat::parse_str(wat).unwrap()).unwrap();
        Both { ours: loaded(&EXECUTOR, wat), theirs }
    }

    fn ours(&self, name: &str, args: &[Value]) -> Result<Value, purefork::Error> {
        let args = args.iter().fold(Args::new(), |args, value| args.push(value.clone()));
        self.ours.fork(name, args).unwrap().wait()
    }

    /// The same in an instance of its own: a failure is the end of an instance there.
    fn theirs(&self, name: &str, args: &[Value], ty: &Type) -> Result<Value, wasmtime::Error> {
        let mut store = Store::new(&ENGINE, ());
        let instance = Linker::new(&ENGINE).instantiate(&mut store, &self.theirs).unwrap();
        let args: Vec<Val> = args.iter().map(to_val).collect();
        let mut results = [Val::Bool(false)];
        instance.get_func(&mut store, name).unwrap().call(&mut store, &args, &mut results)?;
        Ok(from_val(&results[0], ty))
    }
}

fn to_val(value: &Value) -> Val {
    let one = |value: &Option<Arc<Value>>| value.as_ref().map(|value| Box::new(to_val(value)));
    match value {
        Value::Bool(v) => Val::Bool(*v),
        Value::I8(v) => Val::S8(*v),
        Value::U8(v) => Val::U8(*v),
        Value::I16(v) => Val::S16(*v),
        Value::U16(v) => Val::U16(*v),
        Value::I32(v) => Val::S32(*v),
        Value::U32(v) => Val::U32(*v),
        Value::I64(v) => Val::S64(*v),
        Value::U64(v) => Val::U64(*v),
        Value::F32(v) => Val::Float32(*v),
        Value::F64(v) => Val::Float64(*v),
        Value::Char(v) => Val::Char(*v),
        Value::String(v) => Val::String(v.to_string()),
        Value::List(list) => Val::List(list.iter().map(|value| to_val(&value)).collect()),
        Value::Record(fields) => {
            Val::Record(fields.iter().map(|(name, value)| (name.to_string(), to_val(value))).collect())
        }
        Value::Tuple(values) => Val::Tuple(values.iter().map(to_val).collect()),
        Value::Variant(case, value) => Val::Variant(case.to_string(), one(value)),
        Value::Enum(case) => Val::Enum(case.to_string()),
        Value::Option(value) => Val::Option(one(value)),
        Value::Result(Ok(value)) => Val::Result(Ok(one(value))),
        Value::Result(Err(value)) => Val::Result(Err(one(value))),
        Value::Flags(names) => Val::Flags(names.iter().map(ToString::to_string).collect()),
        other => panic!("{other} does not cross"),
    }
}

fn from_val(val: &Val, ty: &Type) -> Value {
    let one = |val: &Option<Box<Val>>, ty: Option<&Type>| val.as_ref().map(|val| Arc::new(from_val(val, ty.unwrap())));
    match (val, ty) {
        (Val::Bool(v), _) => Value::Bool(*v),
        (Val::S8(v), _) => Value::I8(*v),
        (Val::U8(v), _) => Value::U8(*v),
        (Val::S16(v), _) => Value::I16(*v),
        (Val::U16(v), _) => Value::U16(*v),
        (Val::S32(v), _) => Value::I32(*v),
        (Val::U32(v), _) => Value::U32(*v),
        (Val::S64(v), _) => Value::I64(*v),
        (Val::U64(v), _) => Value::U64(*v),
        (Val::Float32(v), _) => Value::F32(*v),
        (Val::Float64(v), _) => Value::F64(*v),
        (Val::Char(v), _) => Value::Char(*v),
        (Val::String(v), _) => Value::from(v.as_str()),
        (Val::List(vals), Type::List(element)) => Value::List(vals.iter().map(|val| from_val(val, element)).collect()),
        (Val::Record(vals), Type::Record(fields)) => Value::Record(
            vals.iter()
                .zip(fields.iter())
                .map(|((name, val), (_, ty))| (name.as_str().into(), from_val(val, ty)))
                .collect(),
        ),
        (Val::Tuple(vals), Type::Tuple(types)) => {
            Value::tuple(vals.iter().zip(types.iter()).map(|(val, ty)| from_val(val, ty)))
        }
        (Val::Variant(case, val), Type::Variant(cases)) => {
            let (_, ty) = cases.iter().find(|(name, _)| **name == **case).unwrap();
            Value::Variant(case.as_str().into(), one(val, ty.as_ref()))
        }
        (Val::Enum(case), _) => Value::Enum(case.as_str().into()),
        (Val::Option(val), Type::Option(some)) => Value::Option(one(val, Some(some))),
        (Val::Result(Ok(val)), Type::Result(types)) => Value::Result(Ok(one(val, types.0.as_ref()))),
        (Val::Result(Err(val)), Type::Result(types)) => Value::Result(Err(one(val, types.1.as_ref()))),
        (Val::Flags(names), _) => Value::Flags(names.iter().map(|name| name.as_str().into()).collect()),
        (val, ty) => panic!("{val:?} is not of type {ty}"),
    }
}

/// What is passed besides, so that not all parameters fit on the stack.
const PADDING: usize = 17;

/// For a type, functions that give back what they are given, whatever it is:
/// - `list`: a list of it;
/// - `bytes`: what is in memory where that list is;
/// - `whole`: with so many other parameters that all of them are passed in memory;
/// - `alone`, where it is one core value: as that;
/// - `bits`, where it fits on the stack: what is on the stack, as a list of numbers.
fn echo(ty: &Type, encoding: &str) -> String {
    let mut written = Written::default();
    let text = written.ty(ty);
    let core = flat(ty);
    let padding: String = (0..PADDING).map(|at| format!(r#"(param "pad{at}" u8)"#)).collect();
    let mut body = String::from(
        r#"(func (export "list") (param i32 i32) (result i32)
            (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16))
           (func (export "bytes") (param i32 i32) (result i32)
            (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (i32.const 512)) (i32.const 16))
           (func (export "whole") (param i32) (result i32) (local.get 0))"#,
    );
    let lift = format!(r#"(memory $libc "memory") (realloc (func $libc "realloc")) string-encoding={encoding}"#);
    let mut exports = format!(
        r#"(func (export "list") (param "x" (list {text})) (result (list {text})) (canon lift (core func $i "list") {lift}))
           (func (export "bytes") (param "x" (list {text})) (result (list u8)) (canon lift (core func $i "bytes") {lift}))
           (func (export "whole") (param "x" (tuple {text} u32)) {padding} (result (tuple {text} u32))
               (canon lift (core func $i "whole") {lift}))"#
    );
    if let [core] = core.as_slice() {
        let core = core.name();
        body.push_str(&format!(r#"(func (export "alone") (param {core}) (result {core}) (local.get 0))"#));
        exports.push_str(&format!(
            r#"(func (export "alone") (param "x" {text}) (result {text}) (canon lift (core func $i "alone") {lift}))"#
        ));
    }
    if core.len() <= 16 {
        body.push_str(&bits(&core));
        exports.push_str(&format!(
            r#"(func (export "bits") (param "x" {text}) (result (list u64)) (canon lift (core func $i "bits") {lift}))"#
        ));
    }
    format!(
        r#"(component
            {LIBC}
            (core module $m (import "libc" "memory" (memory 1)) {body})
            (core instance $i (instantiate $m (with "libc" (instance $libc))))
            {}
            {exports})"#,
        written.declared
    )
}

/// A function that gives the bits of its parameters as a list of 64-bit numbers.
pub(crate) fn bits(core: &[Core]) -> String {
    let params: String = core.iter().map(|core| format!(" {}", core.name())).collect();
    let stores: String = core
        .iter()
        .enumerate()
        .map(|(at, core)| {
            let value = match core {
                Core::I32 => format!("(i64.extend_i32_u (local.get {at}))"),
                Core::I64 => format!("(local.get {at})"),
                Core::F32 => format!("(i64.extend_i32_u (i32.reinterpret_f32 (local.get {at})))"),
                Core::F64 => format!("(i64.reinterpret_f64 (local.get {at}))"),
            };
            format!("(i64.store (i32.const {}) {value})", 64 + at * 8)
        })
        .collect();
    format!(
        r#"(func (export "bits") (param{params}) (result i32) {stores}
            (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const {})) (i32.const 16))"#,
        core.len()
    )
}

fn config(cases: u32) -> ProptestConfig {
    // A failure prints the type and the values; nothing is written into the source tree.
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() }
}

fn type_and_values() -> impl Strategy<Value = (Type, Vec<Value>)> {
    any_type().prop_flat_map(|ty| {
        let values = prop::collection::vec(value(&ty), 1..8);
        (Just(ty), values)
    })
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn values_of_every_type_come_back_as_they_went_and_as_another_host_passes_them(
        (ty, values) in type_and_values(),
        encoding in prop::sample::select(vec!["utf8", "utf16", "latin1+utf16"]),
    ) {
        let _watchdog = Watchdog::new();
        let both = Both::new(&echo(&ty, encoding));

        let list = Value::List(values.iter().cloned().collect());
        let list_ty = Type::list(ty.clone());
        prop_assert_eq!(&both.ours("list", std::slice::from_ref(&list)).unwrap(), &list, "{}", ty);
        prop_assert_eq!(&both.theirs("list", std::slice::from_ref(&list), &list_ty).unwrap(), &list, "{}", ty);

        if !has_pointers(&ty) {
            let ours = both.ours("bytes", std::slice::from_ref(&list)).unwrap();
            let theirs = both.theirs("bytes", &[list], &Type::list(Type::U8)).unwrap();
            prop_assert_eq!(ours, theirs, "{} {:?}", ty, values);
        }

        let whole_ty = Type::tuple([ty.clone(), Type::U32]);
        for value in &values {
            let whole = Value::tuple([value.clone(), Value::U32(7)]);
            let mut args = vec![whole.clone()];
            args.extend((0..PADDING).map(|at| Value::U8(at as u8)));
            prop_assert_eq!(&both.ours("whole", &args).unwrap(), &whole, "{}", ty);
            prop_assert_eq!(&both.theirs("whole", &args, &whole_ty).unwrap(), &whole, "{}", ty);
            let core = flat(&ty);
            let args = [value.clone()];
            if core.len() == 1 {
                prop_assert_eq!(&both.ours("alone", &args).unwrap(), value, "{}", ty);
                prop_assert_eq!(&both.theirs("alone", &args, &ty).unwrap(), value, "{}", ty);
            }
            if core.len() <= 16 {
                let ours = both.ours("bits", &args).unwrap();
                let theirs = both.theirs("bits", &args, &Type::list(Type::U64)).unwrap();
                // Where the room is that a guest makes is the guest's to say.
                if !has_pointers(&ty) {
                    prop_assert_eq!(ours, theirs, "{} {}", ty, value);
                }
            }
        }
    }
}

/// A function that gives a value out of whatever bytes there are.
fn read(ty: &Type, encoding: &str, bytes: &[u8]) -> String {
    let mut written = Written::default();
    let text = written.ty(ty);
    let data: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let lift = format!(r#"(memory $i "memory") string-encoding={encoding}"#);
    let alone = match flat(ty).as_slice() {
        [core] => {
            let core = core.name();
            format!(
                r#"(func (export "alone") (param "bits" u64) (result {text}) (canon lift (core func $i "alone-{core}") {lift}))"#
            )
        }
        _ => String::new(),
    };
    format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (data (i32.const 0) "{data}")
                (func (export "read") (param i32) (result i32) (local.get 0))
                (func (export "alone-i32") (param i64) (result i32) (i32.wrap_i64 (local.get 0)))
                (func (export "alone-i64") (param i64) (result i64) (local.get 0))
                (func (export "alone-f32") (param i64) (result f32) (f32.reinterpret_i32 (i32.wrap_i64 (local.get 0))))
                (func (export "alone-f64") (param i64) (result f64) (f64.reinterpret_i64 (local.get 0))))
            (core instance $i (instantiate $m))
            {}
            (func (export "read") (param "at" u32) (result (tuple {text} u32)) (canon lift (core func $i "read") {lift}))
            {alone})"#,
        written.declared
    )
}

/// Bytes of which some are numbers as small as cases, lengths and addresses may be.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        2 => (0u32..6).prop_map(|v| v.to_le_bytes().to_vec()),
        2 => (0u32..256).prop_map(|v| v.to_le_bytes().to_vec()),
        1 => Just(vec![1, 0, 1, 0]),
        1 => "[a-z]{4}".prop_map(String::into_bytes),
        1 => any::<u32>().prop_map(|v| v.to_le_bytes().to_vec()),
    ];
    prop::collection::vec(word, 64..65).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn whatever_bytes_a_guest_gives_are_read_or_refused_as_another_host_does(
        ty in any_type(), bytes in bytes(),
        encoding in prop::sample::select(vec!["utf8", "utf16", "latin1+utf16"]),
        numbers in prop::collection::vec(prop_oneof![0u64..300, any::<u64>()], 4),
    ) {
        let _watchdog = Watchdog::new();
        let wat = read(&ty, encoding, &bytes);
        let whole = Type::tuple([ty.clone(), Type::U32]);
        let mut calls: Vec<_> = [0u32, 8, 16, 24, 32, 40, 64, 3, 65_528, 65_536, u32::MAX]
            .iter().map(|at| ("read", Value::U32(*at), whole.clone())).collect();
        if flat(&ty).len() == 1 {
            calls.extend(numbers.iter().map(|bits| ("alone", Value::U64(*bits), ty.clone())));
        }
        let both = Both::new(&wat);
        for (name, arg, ty) in calls {
            let args = [arg];
            match (both.ours(name, &args), both.theirs(name, &args, &ty)) {
                (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs, "{} {:?}", ty, args),
                (Err(_), Err(_)) => {}
                (ours, theirs) => prop_assert!(false, "{ty} {args:?}: {ours:?}, but there {theirs:?}"),
            }
        }
    }
}

/// The type without those that have to have a name: what is passed through two components is spelled out in both.
fn plain(ty: &Type) -> Type {
    match ty {
        Type::List(element) => Type::list(plain(element)),
        Type::Option(some) => Type::option(plain(some)),
        Type::Result(types) => Type::result(types.0.as_ref().map(plain), types.1.as_ref().map(plain)),
        Type::Tuple(types) => Type::tuple(types.iter().map(plain)),
        Type::Record(fields) => Type::tuple(fields.iter().map(|(_, ty)| plain(ty))),
        Type::Variant(cases) => {
            let mut payloads = cases.iter().map(|(_, ty)| ty.as_ref().map(plain));
            Type::result(payloads.next().flatten(), payloads.next().flatten())
        }
        Type::Enum(_) => Type::Char,
        Type::Flags(_) => Type::String,
        scalar => scalar.clone(),
    }
}

/// A component that passes a list on to another, which gives it back.
fn passed_on(ty: &Type) -> String {
    let list = format!("(list {})", Written::default().ty(ty));
    let options = r#"(memory $libc "memory") (realloc (func $libc "realloc"))"#;
    let function = format!(r#"(param "x" {list}) (result {list})"#);
    format!(
        r#"(component
            (component $inner
                {LIBC}
                (core module $m (import "libc" "memory" (memory 1))
                    (func (export "list") (param i32 i32) (result i32)
                        (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))
                (core instance $i (instantiate $m (with "libc" (instance $libc))))
                (func (export "list") {function} (canon lift (core func $i "list") {options})))
            (instance $inner (instantiate $inner))
            (component $outer
                (import "list" (func $list {function}))
                {LIBC}
                (core func $lowered (canon lower (func $list) {options}))
                (core module $m (import "libc" "memory" (memory 1))
                    (import "inner" "list" (func $list (param i32 i32 i32)))
                    (func (export "list") (param i32 i32) (result i32)
                        (call $list (local.get 0) (local.get 1) (i32.const 24)) (i32.const 24)))
                (core instance $i (instantiate $m (with "libc" (instance $libc))
                    (with "inner" (instance (export "list" (func $lowered))))))
                (func (export "list") {function} (canon lift (core func $i "list") {options})))
            (instance $outer (instantiate $outer (with "list" (func $inner "list"))))
            (export "list" (func $outer "list")))"#
    )
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn values_are_passed_from_component_to_component(
        (ty, values) in any_type().prop_flat_map(|ty| {
            let ty = plain(&ty);
            let values = prop::collection::vec(value(&ty), 1..5);
            (Just(ty), values)
        }),
    ) {
        let _watchdog = Watchdog::new();
        let both = Both::new(&passed_on(&ty));
        let list = [Value::List(values.into_iter().collect())];
        prop_assert_eq!(&both.ours("list", &list).unwrap(), &list[0], "{}", ty);
        prop_assert_eq!(&both.theirs("list", &list, &Type::list(ty)).unwrap(), &list[0]);
    }
}
