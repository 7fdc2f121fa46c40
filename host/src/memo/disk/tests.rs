use super::room::Blocks;
use super::*;
use crate::engine::nonce;
use crate::limits::Usage;
use crate::memo::key::Name;
use crate::value::Value;
use std::fs::{self, File, Permissions};
use std::hash::RandomState;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const NO_LIMIT: u64 = 1 << 40;

/// A directory for one test, with results in it.
struct Place {
    root: PathBuf,
    store: Store,
}

impl Place {
    fn new() -> Place {
        Place::with_limit(NO_LIMIT)
    }

    fn with_limit(limit: u64) -> Place {
        let root = std::env::temp_dir().join(format!("purefork-memo-test-{}", nonce()));
        let store = Store::open(&root, limit).unwrap();
        Place { root, store }
    }

    /// The entries, and what they take.
    fn entries(&self) -> (usize, u64) {
        let folders = fs::read_dir(&self.store.dir).unwrap().map(|found| found.unwrap().path());
        let folders = folders.filter(|path| path.is_dir() && path.file_name().unwrap().len() == 2);
        let entries: Vec<_> = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).collect();
        let bytes = entries.iter().map(|entry| entry.as_ref().unwrap().metadata().unwrap().len().div_ceil(4096) * 4096);
        (entries.len(), bytes.sum())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn name(number: u8) -> Name {
    Name([number; 32])
}

fn outcome(bytes: usize) -> Outcome {
    Outcome { result: Ok(Value::from(vec![7u8; bytes])), usage: Usage::default(), output: None }
}

fn size_of_read(store: &Store, name: &Name) -> Option<usize> {
    store.read(name).map(|outcome| match outcome.result.unwrap() {
        Value::List(list) => list.len(),
        other => panic!("{other}"),
    })
}

#[test]
fn what_was_written_is_read_by_others() {
    let place = Place::new();
    assert!(place.store.read(&name(1)).is_none());
    for size in [0, 1, 100_000] {
        place.store.write(&name(size as u8), &outcome(size));
        let other = Store::open(&place.root, NO_LIMIT).unwrap();
        assert_eq!(size_of_read(&other, &name(size as u8)), Some(size));
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    let path = place.store.path(&name(1));
    assert_eq!([&place.root, &place.store.dir, path.parent().unwrap()].map(mode), [0o700; 3]);
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn an_entry_that_was_tampered_with_is_never_used_and_is_written_anew() {
    let place = Place::new();
    place.store.write(&name(1), &outcome(50));
    let path = place.store.path(&name(1));
    let right = fs::read(&path).unwrap();
    for at in 0..=right.len() {
        let mut changed = right.clone();
        match changed.get_mut(at) {
            Some(byte) => *byte ^= 0x10,
            None => changed.push(0),
        }
        for changed in [&changed[..], &right[..at.min(right.len() - 1)]] {
            fs::write(&path, changed).unwrap();
            assert!(place.store.read(&name(1)).is_none(), "byte {at}");
            assert!(!path.exists());
        }
        place.store.write(&name(1), &outcome(50));
        assert_eq!(fs::read(&path).unwrap(), right);
    }
    assert_eq!(size_of_read(&place.store, &name(1)), Some(50));
}

#[test]
fn what_is_no_file_of_ours_is_not_read() {
    let place = Place::new();
    let path = place.store.path(&name(1));
    let other = place.store.path(&name(2));
    place.store.write(&name(1), &outcome(50));
    // Another's result, under this name.
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::copy(&path, &other).unwrap();
    assert!(place.store.read(&name(2)).is_none() && !other.exists());
    // A file that others can write to.
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    assert!(place.store.read(&name(1)).is_none() && !path.exists());
    // A directory, a link, a socket.
    place.store.write(&name(3), &outcome(50));
    fs::create_dir(&path).unwrap();
    assert!(place.store.read(&name(1)).is_none() && !path.exists());
    symlink(place.store.path(&name(3)), &path).unwrap();
    assert!(place.store.read(&name(1)).is_none() && !path.exists());
    // The name of a socket may not be that long when it is made.
    let short = place.root.join("socket");
    let _listener = UnixListener::bind(&short).unwrap();
    fs::rename(&short, &path).unwrap();
    assert!(place.store.read(&name(1)).is_none() && !path.exists());
    place.store.write(&name(1), &outcome(50));
    assert_eq!(size_of_read(&place.store, &name(1)), Some(50));
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let place = Place::new();
    fs::set_permissions(&place.root, Permissions::from_mode(0o777)).unwrap();
    let refused = Store::open(&place.root, NO_LIMIT).map(|_| ()).unwrap_err();
    let root = place.root.display();
    assert_eq!(
        refused,
        format!(
            "others can write to `{root}`, and could change what is kept there; stop them with `chmod go-w {root}`"
        )
    );
}

#[test]
fn there_is_never_more_than_there_may_be_and_what_was_used_least_recently_goes() {
    let place = Place::with_limit(40 * 4096);
    let age = |number: u8, seconds: u64| {
        let time = SystemTime::now() - Duration::from_secs(seconds);
        File::open(place.store.path(&name(number))).unwrap().set_modified(time).unwrap();
    };
    for number in 0..40 {
        place.store.write(&name(number), &outcome(100));
        age(number, 10_000 - u64::from(number));
    }
    assert_eq!(place.entries(), (40, 40 * 4096));
    // It is used, and so the last to go.
    assert!(place.store.read(&name(0)).is_some());
    for number in 40..100 {
        place.store.write(&name(number), &outcome(5000));
        assert!(place.entries().1 <= 40 * 4096);
        if number == 45 {
            assert!(place.store.read(&name(0)).is_some() && place.store.read(&name(1)).is_none());
        }
    }
    assert!(place.entries().0 > 10);
    // What is larger than all may be has nothing removed for it.
    let before = place.entries();
    place.store.write(&name(200), &outcome(40 * 4096));
    assert_eq!(place.entries(), before);
}

#[test]
fn many_writers_stay_within_the_bound() {
    let place = Place::with_limit(64 * 4096);
    std::thread::scope(|scope| {
        for writer in 0..4u8 {
            let place = &place;
            scope.spawn(move || {
                let store = Store::open(&place.root, 64 * 4096).unwrap();
                for number in 0..60 {
                    store.write(&name(writer * 60 + number), &outcome(3000));
                    let _ = size_of_read(&store, &name(number));
                }
            });
        }
    });
    // Those who make room at a time may not count each other's last entries.
    assert!(place.entries().1 <= 72 * 4096, "{:?}", place.entries());
    place.store.write(&name(250), &outcome(10));
    assert!(place.entries().1 <= 72 * 4096);
}

#[test]
fn what_killed_processes_have_left_is_removed_and_what_is_unknown_stays() {
    let place = Place::with_limit(8 * 4096);
    let file = |name: &str, seconds: u64| {
        let path = place.store.dir.join(name);
        fs::write(&path, b"half").unwrap();
        File::open(&path).unwrap().set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
        path
    };
    let (old, new, other) = (file("tmp-1", 7200), file("tmp-2", 10), file("notes", 7200));
    // As there is no count, all is looked at.
    place.store.write(&name(1), &outcome(10));
    assert!(!old.exists() && new.exists() && other.exists());
    assert_eq!(fs::metadata(place.store.dir.join("blocks")).unwrap().len(), 1);
    assert_eq!(Blocks::of(4097), Blocks::within(3 * 4096 - 1));
}

#[test]
fn a_directory_that_is_gone_is_done_without() {
    let place = Place::new();
    fs::remove_dir_all(&place.store.dir).unwrap();
    place.store.write(&name(1), &outcome(10));
    assert!(place.store.read(&name(1)).is_none());
    // It is not tried again at once.
    fs::create_dir_all(&place.store.dir).unwrap();
    place.store.write(&name(1), &outcome(10));
    assert!(place.store.read(&name(1)).is_none());
    (0..1000).for_each(|_| place.store.write(&name(1), &outcome(10)));
    assert_eq!(size_of_read(&place.store, &name(1)), Some(10));
}

#[test]
fn calls_of_the_host_are_written_and_of_guests_those_that_took_long() {
    let place = Place::new();
    let random = RandomState::new();
    let key = |number: i32| Arc::new(Key::new(&[0; 32], &[Value::from(number)].into_iter().collect(), &random));
    let used = |fuel| Outcome { usage: Usage { fuel, ..Usage::default() }, ..outcome(10) };
    let disk = Disk::open(&place.root, NO_LIMIT).unwrap();
    disk.keep(&key(1), &used(1), true);
    disk.keep(&key(2), &used(1), false);
    disk.keep(&key(3), &used(WORTH), false);
    disk.flush();
    assert_eq!([1, 2, 3].map(|number| disk.read(&key(number)).is_some()), [true, false, true]);
    // Of short calls, not more than so many.
    for number in 0..SMALL.cast_signed() {
        disk.keep(&key(1000 + number), &used(1), true);
    }
    disk.keep(&key(5), &used(WORTH), true);
    disk.flush();
    assert_eq!(
        [1000, 1000 + SMALL.cast_signed() - 1, 5].map(|number| disk.read(&key(number)).is_some()),
        [true, false, true]
    );
    // What waits is written when the last handle goes.
    disk.keep(&key(4), &used(WORTH), true);
    drop(disk);
    assert!(Disk::open(&place.root, NO_LIMIT).unwrap().read(&key(4)).is_some());
}
