//! What guests of WASI are given beside their arguments: files, and an environment.

use super::tree::{MAX_NAME, MAX_PATH, Tree};
use crate::error::{Error, ErrorKind, Result};
use crate::escape::escaped;
use crate::value::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What every clock reads, in nanoseconds. Programs take a clock that reads zero for a broken one, in whatever unit they read it.
pub(crate) const NOW: u64 = 1_000_000_000;

/// What guests that import WASI are given beside their arguments: files, an environment, and whether they may write.
///
/// A module is given a world by [`Module::with_world`](crate::Module::with_world). It is part of what is called, as the module's bytes are:
/// results are remembered, traced and compared with it. Every call sees it as it is here, whatever other calls do.
///
/// ```
/// use purefork::{Executor, Value, Wasi, World, args};
///
/// let exec = Executor::builder().wasi(Wasi::Frozen).build()?;
/// let program = exec.load_bytes(r#"(module
///     (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
///     (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
///     (memory (export "memory") 1)
///     (data (i32.const 0) "a.txt")
///     (func (export "_start")
///         (call $exit (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 0) (i64.const 2)
///             (i64.const 0) (i32.const 0) (i32.const 8)))))"#)?;
/// let no_args = || args![Value::from(Vec::<Value>::new()), Value::from(Vec::<u8>::new())];
/// let status = |result: Value| result.field("status").cloned();
/// // There is no such file.
/// assert_eq!(status(program.fork("_start", no_args())?.wait()?), Some(Value::U8(44)));
/// let given = program.with_world(&World::new().file("a.txt", *b"hello")?)?;
/// assert_eq!(status(given.fork("_start", no_args())?.wait()?), Some(Value::U8(0)));
/// # Ok::<(), purefork::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct World {
    env: Vec<(String, String)>,
    files: BTreeMap<String, Arc<[u8]>>,
    writable: bool,
}

impl World {
    /// A world of an empty directory and an empty environment, as it is for all modules that are given none.
    pub fn new() -> World {
        World::default()
    }

    /// Adds a file. Guests see it in the directory `/`, may read it, and can neither change nor remove it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if the name is none below that directory (`a/b.txt` is one; `../a`, `/a` and `a//b` are not), or is taken, by
    /// a directory as well.
    pub fn file(mut self, name: &str, bytes: impl Into<Arc<[u8]>>) -> Result<World> {
        check_name(name)?;
        let taken = |what: &str| Err(Error::new(ErrorKind::Invalid, format!("the file `{}` {what}", escaped(name))));
        if self.files.contains_key(name) {
            return taken("is given twice");
        }
        let mut above = name;
        while let Some((front, _)) = above.rsplit_once('/') {
            if self.files.contains_key(front) {
                return taken(&format!("is below `{}`, which is a file", escaped(front)));
            }
            above = front;
        }
        let below = format!("{name}/");
        if self.files.range(below.clone()..).next().is_some_and(|(other, _)| other.starts_with(&below)) {
            return taken("is a directory, too: another file is below it");
        }
        self.files.insert(name.to_owned(), bytes.into());
        Ok(self)
    }

    /// Adds a variable of the environment.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] if there is one of that name, the name is empty or has a `=`, or one of the two has a NUL.
    pub fn env(mut self, name: &str, value: &str) -> Result<World> {
        let wrong =
            |what: &str| Err(Error::new(ErrorKind::Invalid, format!("the variable `{}` {what}", escaped(name))));
        if name.is_empty() || name.contains(['=', '\0']) {
            return wrong(
                "has no name that an environment can have: expected one that is not empty, without `=` and NUL",
            );
        }
        if value.contains('\0') {
            return wrong("has a NUL in its value, at which a program takes it to end");
        }
        if self.env.iter().any(|(known, _)| known == name) {
            return wrong("is given twice");
        }
        self.env.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// Lets guests make files and directories. What a call has written is part of what it gives: [`Output::files`](crate::Output::files).
    /// How much it may write is bounded by [`Limits::output`](crate::Limits::output), to files, stdout and stderr together.
    pub fn writable(mut self) -> World {
        self.writable = true;
        self
    }

    /// The names of the files, in the order of their names, and what is in them.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, bytes)| (name.as_str(), &**bytes))
    }

    /// The environment, in the order in which it was given.
    pub fn envs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.env.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether guests may make files.
    pub fn is_writable(&self) -> bool {
        self.writable
    }

    /// Whether nothing is given.
    pub(crate) fn is_empty(&self) -> bool {
        *self == World::default()
    }

    /// As a value, to be written down.
    pub(crate) fn to_value(&self) -> Value {
        let env = self.envs().map(|(name, value)| Value::tuple([Value::from(name), Value::from(value)]));
        let files = self.files().map(|(name, bytes)| Value::tuple([Value::from(name), Value::from(bytes.to_vec())]));
        Value::record([
            ("env", Value::from(env.collect::<Vec<_>>())),
            ("files", Value::from(files.collect::<Vec<_>>())),
            ("writable", Value::Bool(self.writable)),
        ])
    }

    /// What was written down; none if it is no world.
    pub(crate) fn from_value(value: &Value) -> Option<World> {
        let pairs = |field: &str| match value.field(field) {
            Some(Value::List(pairs)) => Some(pairs.iter().collect::<Vec<_>>()),
            _ => None,
        };
        let mut world = World::new();
        for pair in pairs("env")? {
            let Value::Tuple(pair) = pair else { return None };
            let [Value::String(name), Value::String(value)] = &pair[..] else { return None };
            world = world.env(name, value).ok()?;
        }
        for pair in pairs("files")? {
            let Value::Tuple(pair) = pair else { return None };
            let [Value::String(name), Value::List(bytes)] = &pair[..] else { return None };
            // A list without elements has no type that could be seen.
            let bytes = match bytes.as_slice::<u8>() {
                Some(bytes) => bytes,
                None if bytes.is_empty() => &[],
                None => return None,
            };
            world = world.file(name, bytes).ok()?;
        }
        match value.field("writable") {
            Some(Value::Bool(true)) => Some(world.writable()),
            Some(Value::Bool(false)) => Some(world),
            _ => None,
        }
    }
}

/// A world as it stands in JSON and the like.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    env: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
    writable: bool,
}

impl From<World> for Written {
    fn from(World { env, files, writable }: World) -> Written {
        Written { env, files: files.into_iter().map(|(name, bytes)| (name, bytes.to_vec())).collect(), writable }
    }
}

impl TryFrom<Written> for World {
    type Error = Error;

    fn try_from(Written { env, files, writable }: Written) -> Result<World> {
        let mut world = World { writable, ..World::new() };
        for (name, value) in &env {
            world = world.env(name, value)?;
        }
        for (name, bytes) in files {
            world = world.file(&name, bytes)?;
        }
        Ok(world)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<_> = self.files().map(|(name, bytes)| (name, bytes.len())).collect();
        f.debug_struct("World")
            .field("env", &self.env)
            .field("files", &files)
            .field("writable", &self.writable)
            .finish()
    }
}

/// Whether a file may be called so.
///
/// # Errors
///
/// [`ErrorKind::Invalid`].
fn check_name(name: &str) -> Result<()> {
    let part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= MAX_NAME;
    if name.len() <= MAX_PATH && !name.contains('\0') && name.split('/').all(part) {
        return Ok(());
    }
    let message = format!("expected the name of a file below a directory, but was given `{}`", escaped(name));
    Err(Error::new(ErrorKind::Invalid, message).with_help(format!(
        "a name is like `a/b.txt`: without `..`, not from the root, and of parts of up to {MAX_NAME} bytes"
    )))
}

/// A world that was given to a module, ready for its calls.
pub(crate) struct GivenWorld {
    pub(crate) world: World,
    /// All calls start with it, and copy it before they change it.
    pub(crate) tree: Arc<Tree>,
    /// What tells it from all others.
    pub(crate) digest: [u8; 32],
}

impl GivenWorld {
    pub(crate) fn new(world: &World) -> GivenWorld {
        let World { env, files, writable } = world;
        let mut tree = Tree::new(NOW);
        let mut digest = Sha256::new();
        let mut add = |bytes: &[u8]| {
            digest.update((bytes.len() as u64).to_le_bytes());
            digest.update(bytes);
        };
        add(b"purefork world 1");
        add(&(env.len() as u64).to_le_bytes());
        for (name, value) in env {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        for (name, bytes) in files {
            add(name.as_bytes());
            add(bytes);
            tree.give(name, bytes.clone(), NOW);
        }
        add(&[u8::from(*writable)]);
        GivenWorld { world: world.clone(), tree: Arc::new(tree), digest: digest.finalize().into() }
    }

    /// The digest in hexadecimal.
    pub(crate) fn name(&self) -> String {
        self.digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether a guest could be given a file under that name.
pub(crate) fn is_name(name: &str) -> bool {
    check_name(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(world: Result<World>) -> String {
        world.expect_err("it is wrong").message().to_owned()
    }

    #[test]
    fn names_are_below_the_directory_and_no_two_are_the_same() {
        let world = || World::new().file("a/b", *b"1").and_then(|world| world.file("c", *b"")).unwrap();
        for name in ["", "/a", "a/", "a//b", ".", "a/./b", "..", "a/../b", "a\0", &"n".repeat(256)] {
            let given = format!("expected the name of a file below a directory, but was given `{}`", escaped(name));
            assert_eq!(wrong(world().file(name, *b"")), given);
        }
        assert_eq!(wrong(world().file("c", *b"")), "the file `c` is given twice");
        assert_eq!(wrong(world().file("c/d", *b"")), "the file `c/d` is below `c`, which is a file");
        assert_eq!(wrong(world().file("a", *b"")), "the file `a` is a directory, too: another file is below it");
        // One that only begins so is another.
        assert!(world().file("a.txt", *b"").is_ok());
    }

    #[test]
    fn variables_have_names_and_values_that_an_environment_can_have() {
        let world = || World::new().env("A", "1=2").unwrap();
        assert_eq!(wrong(world().env("A", "")), "the variable `A` is given twice");
        for name in ["", "A=B", "A\0"] {
            let expected =
                "has no name that an environment can have: expected one that is not empty, without `=` and NUL";
            assert_eq!(wrong(world().env(name, "")), format!("the variable `{}` {expected}", escaped(name)));
        }
        let expected = "the variable `B` has a NUL in its value, at which a program takes it to end";
        assert_eq!(wrong(world().env("B", "\0")), expected);
    }

    #[test]
    fn a_world_comes_back_from_its_value_and_differs_from_others_in_its_digest() {
        let file = |world: World, name: &str, bytes: &[u8]| world.file(name, bytes).unwrap();
        let env = |world: World, name: &str, value: &str| world.env(name, value).unwrap();
        let worlds = [
            World::new(),
            World::new().writable(),
            file(World::new(), "a", b""),
            file(World::new(), "a", b"b"),
            file(World::new(), "ab", b""),
            file(file(World::new(), "a", b""), "b", b""),
            env(World::new(), "a", "b"),
            env(World::new(), "ab", ""),
            env(env(World::new(), "a", ""), "b", ""),
            env(env(World::new(), "b", ""), "a", ""),
        ];
        let digests: std::collections::BTreeSet<_> = worlds.iter().map(|world| GivenWorld::new(world).digest).collect();
        assert_eq!(digests.len(), worlds.len());
        for world in &worlds {
            assert_eq!(World::from_value(&world.to_value()).as_ref(), Some(world));
        }
        assert_eq!(World::from_value(&Value::Bool(true)), None);
    }
}
