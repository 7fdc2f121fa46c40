//! Components as text: what is the same in all of them, around the core code that a test is about.

use std::fmt::Write as _;

/// A core module with a memory and a `realloc` that hands it out from 4096 on and grows it.
pub const LIBC: &str = r#"(core module $libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 4096))
    (func (export "realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
        (local $at i32) (local $end i32)
        (local.set $at (i32.and
            (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
            (i32.sub (i32.const 0) (local.get $align))))
        (local.set $end (i32.add (local.get $at) (local.get $size)))
        (if (i32.lt_u (local.get $end) (local.get $at)) (then (unreachable)))
        (if (i32.gt_u (local.get $end) (i32.shl (memory.size) (i32.const 16)))
            (then (if (i32.eq (i32.const -1) (memory.grow
                    (i32.add (i32.const 1) (i32.shr_u (i32.sub (local.get $end) (i32.shl (memory.size) (i32.const 16))) (i32.const 16)))))
                (then (unreachable)))))
        (memory.copy (local.get $at) (local.get $old)
            (select (local.get $old_size) (local.get $size) (i32.lt_u (local.get $old_size) (local.get $size))))
        (global.set $next (local.get $end))
        (local.get $at)))
(core instance $libc (instantiate $libc))"#;

/// A function that a component forks, as its interface `fork` declares it: types as WAT writes them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fork<'a> {
    /// The function's name.
    pub name: &'a str,
    /// The parameters' types.
    pub params: &'a [&'a str],
    /// The result of `wait`; an empty text for none.
    pub wait: Option<&'a str>,
    /// The result of `try-wait`.
    pub try_wait: Option<&'a str>,
}

/// A component with one core module beside [`LIBC`].
///
/// `core` is the module's body after its imports: the memory, `realloc` as `$realloc`, and for each fork its functions as
/// `$fork-NAME`, `$wait-NAME`, `$try-NAME` and `$drop-NAME`, of the core types that `signatures` says.
/// `exports` are the lifted functions; the module's instance is `$i`, and options for lifting are [`LIFT`].
pub fn forking(forks: &[Fork<'_>], signatures: impl Fn(&str, &str) -> String, core: &str, exports: &str) -> String {
    let (mut interface, mut lowered, mut imports) = (String::new(), String::new(), String::new());
    let lower = r#"(memory $libc "memory") (realloc (func $libc "realloc"))"#;
    for fork in forks {
        let name = fork.name;
        let result = |ty: &str| if ty.is_empty() { String::new() } else { format!("(result {ty})") };
        let params: String =
            fork.params.iter().enumerate().map(|(at, ty)| format!(r#"(param "p{at}" {ty})"#)).collect();
        // Writing into a string does not fail.
        let _ = write!(
            interface,
            r#"(export "{name}" (type ${name} (sub resource)))
               (export "[constructor]{name}" (func {params} (result (own ${name}))))"#
        );
        let mut parts = vec![("fork", format!("[constructor]{name}"))];
        for (part, method, ty) in [("wait", "wait", fork.wait), ("try", "try-wait", fork.try_wait)] {
            let Some(ty) = ty else { continue };
            let method = format!("[method]{name}.{method}");
            let _ = write!(interface, r#"(export "{method}" (func (param "self" (borrow ${name})) {}))"#, result(ty));
            parts.push((part, method));
        }
        let _ = write!(lowered, r#"(alias export $fork "{name}" (type ${name}))"#);
        for (part, function) in &parts {
            let _ = write!(lowered, r#"(core func ${part}-{name} (canon lower (func $fork "{function}") {lower}))"#);
        }
        let _ = write!(lowered, "(core func $drop-{name} (canon resource.drop ${name}))");
        for part in parts.iter().map(|(part, _)| *part).chain(["drop"]) {
            let signature = if part == "drop" { "(param i32)".to_owned() } else { signatures(part, name) };
            let _ = write!(imports, r#"(import "{part}" "{name}" (func ${part}-{name} {signature}))"#);
        }
    }
    // An instance for each kind, with an export for each fork that has it.
    let mut with = String::new();
    for kind in ["fork", "wait", "try", "drop"] {
        let exports: String = forks
            .iter()
            .filter(|fork| match kind {
                "wait" => fork.wait.is_some(),
                "try" => fork.try_wait.is_some(),
                _ => true,
            })
            .map(|fork| format!(r#"(export "{0}" (func ${kind}-{0}))"#, fork.name))
            .collect();
        if !exports.is_empty() {
            let _ = write!(with, r#"(with "{kind}" (instance {exports}))"#);
        }
    }
    let import =
        if forks.is_empty() { String::new() } else { format!(r#"(import "fork" (instance $fork {interface}))"#) };
    format!(
        r#"(component
            {import}
            {LIBC}
            {lowered}
            (core module $m
                {imports}
                (import "libc" "memory" (memory 1))
                (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
                {core})
            (core instance $i (instantiate $m {with} (with "libc" (instance $libc))))
            {exports})"#
    )
}

/// The options with which a function of [`forking`] is lifted.
pub const LIFT: &str = r#"(memory $libc "memory") (realloc (func $libc "realloc"))"#;

/// A lifted function of a component of [`forking`], of the WAT type `ty` (parameters and result).
pub fn export(name: &str, ty: &str) -> String {
    format!(r#"(func (export "{name}") {ty} (canon lift (core func $i "{name}") {LIFT}))"#)
}

/// A component that does not fork, of one core module; its memory and `realloc` are [`LIBC`]'s.
pub fn component(core: &str, exports: &str) -> String {
    forking(&[], |_, _| String::new(), core, exports)
}
