use super::manifest::Manifest;
use super::write::{Scratch, nonce};
use super::*;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

const NO_LIMIT: u64 = 1 << 40;

/// The room that an entry of one small blob takes: the directory, the manifest and the blob.
const SMALL: u64 = 3 * 4096;

/// A directory for one test, with a cache in it.
struct Place {
    root: PathBuf,
    cache: Cache,
}

impl Place {
    fn new() -> Place {
        Place::with_limit(NO_LIMIT)
    }

    fn with_limit(limit: u64) -> Place {
        let root = std::env::temp_dir().join(format!("purefork-cache-test-{}", nonce()));
        let cache = Cache::open(&root, limit).unwrap();
        Place { root, cache }
    }

    fn entry(&self, key: &Key) -> PathBuf {
        self.cache.dir.join(key.as_str())
    }

    /// The names in the cache's directory.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.cache.dir)
            .unwrap()
            .map(|found| found.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn key(n: u32) -> Key {
    Key::new("guest", n)
}

fn bytes(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i as u8).wrapping_mul(31) ^ (i >> 8) as u8 ^ seed | 1).collect()
}

/// Puts an entry of a small blob and a large one.
fn put_two(cache: &Cache, key: &Key) -> Entry {
    cache.put(key, &[("recipe", &bytes(1, 100)), ("0.cwasm", &bytes(2, 50_000))]).unwrap()
}

fn age(path: &Path, seconds: u64) -> SystemTime {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    File::open(path).unwrap().set_modified(time).unwrap();
    time
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn is_root(place: &Place) -> bool {
    fs::metadata(&place.root).unwrap().uid() == 0
}

#[test]
fn what_was_put_is_found() {
    let place = Place::new();
    let sizes = [0, 1, 100, 4096, 8192, 8193, 100_000];
    let names = sizes.map(|size| format!("{size}.cwasm"));
    let contents = sizes.map(|size| bytes(size as u8, size));
    let blobs: Vec<_> = names.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
    assert!(place.cache.get(&key(0)).is_none());
    assert!(place.cache.put(&key(0), &blobs).is_some());

    let again = Cache::open(&place.root, NO_LIMIT).unwrap();
    let entry = again.get(&key(0)).unwrap();
    assert!(entry.names().eq(names.iter().map(String::as_str)));
    for (name, content) in &blobs {
        assert_eq!(entry.read(name).unwrap(), *content);
        let mut read = Vec::new();
        entry.file(name).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, *content);
    }
    assert!(entry.read("other").is_none() && entry.file("other").is_none());
    assert!(again.get(&key(1)).is_none());
    assert_eq!(place.names(), [key(0).as_str()]);
}

#[test]
fn only_the_user_has_rights_to_what_is_made() {
    let place = Place::new();
    put_two(&place.cache, &key(0));
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    let entry = place.entry(&key(0));
    assert_eq!([&place.root, &*place.cache.dir, &entry].map(mode), [0o700; 3]);
    assert_eq!(["manifest", "recipe", "0.cwasm"].map(|name| mode(&entry.join(name))), [0o600; 3]);
}

#[test]
fn keys_differ_by_all_that_they_are_made_of() {
    let keys = [("ab", "c", 1), ("a", "bc", 1), ("ab", "c", 2), ("ab", "", 1), ("ba", "c", 1)]
        .map(|(guest, first, second)| Key::new(guest, (first, second)));
    for (i, key) in keys.iter().enumerate() {
        assert_eq!(Key::from_name(key.as_str()).as_ref(), Some(key));
        assert!(!keys[..i].contains(key));
    }
    assert_eq!(keys[0], Key::new("ab", ("c", 1)));
    assert_eq!(Key::from_name(&"A".repeat(64)), None);
    assert_eq!(Key::from_name(&"a".repeat(63)), None);
}

#[test]
fn a_blob_cannot_be_named_like_a_path_or_the_manifest() {
    let place = Place::new();
    for name in ["", ".", "..", "../up", "/root", "a/b", "A", "manifest", "ä", "a\n", &"a".repeat(65)] {
        assert!(Manifest::new(&[(name, b"x")]).is_err(), "{name:?}");
        assert!(place.cache.put(&key(0), &[(name, b"x")]).is_none(), "{name:?}");
    }
    assert!(Manifest::new(&[("a", b"x"), ("a", b"y")]).is_err());
    assert!(place.cache.put(&key(0), &[("a", b"x"), ("a", b"y")]).is_none());
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn a_damaged_entry_is_absent_and_is_removed() {
    fn write_at(path: &Path, bytes: &[u8], start: u64) {
        OpenOptions::new().write(true).open(path).unwrap().write_all_at(bytes, start).unwrap();
    }
    fn cut(path: &Path, len: u64) {
        OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap();
    }
    fn clear(path: &Path) {
        fs::remove_dir_all(path).or_else(|_| fs::remove_file(path)).unwrap();
    }
    fn replace_by_pipe(path: &Path) {
        clear(path);
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    fn replace_by_socket(path: &Path) {
        clear(path);
        // A socket's path must be short.
        let short = std::env::temp_dir().join(format!("purefork-{}.sock", std::process::id()));
        let _ = fs::remove_file(&short);
        drop(UnixListener::bind(&short).unwrap());
        fs::rename(&short, path).unwrap();
    }
    fn replace_by_link(path: &Path, target: &str) {
        clear(path);
        symlink(target, path).unwrap();
    }
    type Damage = fn(&Path);
    let damages: &[(&str, Damage)] = &[
        ("a large blob is cut", |entry| cut(&entry.join("0.cwasm"), 49_999)),
        ("a small blob is cut", |entry| cut(&entry.join("recipe"), 99)),
        ("a blob is empty", |entry| cut(&entry.join("0.cwasm"), 0)),
        ("a blob has more", |entry| cut(&entry.join("0.cwasm"), 50_001)),
        ("a large blob ends in a page of zeros", |entry| write_at(&entry.join("0.cwasm"), &[0; 848], 49_152)),
        ("a large blob begins with a page of zeros", |entry| write_at(&entry.join("0.cwasm"), &[0; 4096], 0)),
        ("a small blob is zeros", |entry| write_at(&entry.join("recipe"), &[0; 100], 0)),
        ("a byte of a small blob is another", |entry| write_at(&entry.join("recipe"), &[0], 50)),
        ("a blob is missing", |entry| fs::remove_file(entry.join("recipe")).unwrap()),
        ("a blob is a directory", |entry| {
            fs::remove_file(entry.join("recipe")).unwrap();
            fs::create_dir(entry.join("recipe")).unwrap();
        }),
        ("others can write to a blob", |entry| chmod(&entry.join("0.cwasm"), 0o620)),
        ("the manifest is cut", |entry| cut(&entry.join("manifest"), 40)),
        ("the manifest is empty", |entry| cut(&entry.join("manifest"), 0)),
        ("the manifest is zeros", |entry| {
            let len = fs::metadata(entry.join("manifest")).unwrap().len();
            write_at(&entry.join("manifest"), &vec![0; len as usize], 0);
        }),
        ("the manifest has more", |entry| {
            let len = fs::metadata(entry.join("manifest")).unwrap().len();
            write_at(&entry.join("manifest"), b"1.cwasm 1 0 0\n", len);
        }),
        ("the manifest lacks a blob", |entry| {
            let text = fs::read_to_string(entry.join("manifest")).unwrap();
            let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("recipe")).collect();
            fs::write(entry.join("manifest"), lines.join("\n") + "\n").unwrap();
        }),
        ("the manifest is missing", |entry| fs::remove_file(entry.join("manifest")).unwrap()),
        ("the manifest is a directory", |entry| {
            fs::remove_file(entry.join("manifest")).unwrap();
            fs::create_dir(entry.join("manifest")).unwrap();
        }),
        ("the manifest is a pipe", |entry| replace_by_pipe(&entry.join("manifest"))),
        ("a blob is a pipe", |entry| replace_by_pipe(&entry.join("0.cwasm"))),
        ("the manifest is a socket", |entry| replace_by_socket(&entry.join("manifest"))),
        ("a blob is a socket", |entry| replace_by_socket(&entry.join("recipe"))),
        ("the manifest is a link round and round", |entry| replace_by_link(&entry.join("manifest"), "manifest")),
        ("a blob is a link round and round", |entry| replace_by_link(&entry.join("recipe"), "recipe")),
        ("a blob is a link to what never ends", |entry| replace_by_link(&entry.join("recipe"), "/dev/zero")),
        ("the manifest never ends", |entry| cut(&entry.join("manifest"), 1 << 40)),
        ("a blob never ends", |entry| cut(&entry.join("0.cwasm"), 1 << 40)),
        ("the entry is a pipe", |entry| replace_by_pipe(entry)),
        ("the entry is a socket", |entry| replace_by_socket(entry)),
        ("the entry is a link round and round", |entry| replace_by_link(entry, key(0).as_str())),
        ("the entry is a link to nothing", |entry| replace_by_link(entry, "nowhere")),
        ("the entry is a file that never ends", |entry| {
            fs::remove_dir_all(entry).unwrap();
            File::create(entry).unwrap().set_len(1 << 40).unwrap();
        }),
        ("the entry is empty", |entry| {
            fs::remove_dir_all(entry).unwrap();
            fs::create_dir(entry).unwrap();
        }),
        ("the entry is a file", |entry| {
            fs::remove_dir_all(entry).unwrap();
            File::create(entry).unwrap();
        }),
        ("the entry is another key's", |entry| {
            fs::remove_dir_all(entry).unwrap();
            put_two(&Cache::open(entry.parent().unwrap().parent().unwrap(), NO_LIMIT).unwrap(), &key(1));
            fs::rename(entry.with_file_name(key(1).as_str()), entry).unwrap();
        }),
    ];
    let place = Place::new();
    for (what, damage) in damages {
        put_two(&place.cache, &key(0));
        damage(&place.entry(&key(0)));
        assert!(place.cache.get(&key(0)).is_none(), "{what}");
        assert_eq!(place.names(), [""; 0], "{what}");
        // Nor is it in the way of a new one, whoever finds it.
        put_two(&place.cache, &key(0));
        damage(&place.entry(&key(0)));
        assert_eq!(put_two(&place.cache, &key(0)).read("recipe").unwrap(), bytes(1, 100), "{what}");
        fs::remove_dir_all(place.entry(&key(0))).unwrap();
        // Nor is whoever looks for room held up by it.
        put_two(&place.cache, &key(0));
        damage(&place.entry(&key(0)));
        place.cache.make_room(0);
        let _ = place.cache.remove(key(0).as_str());
    }
    // Where the limit is kept, damage that shows in the manifest takes no room.
    put_two(&place.cache, &key(0));
    cut(&place.entry(&key(0)).join("manifest"), 40);
    place.cache.make_room(0);
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn damage_in_the_middle_of_a_blob_is_found_when_it_is_read() {
    let place = Place::new();
    put_two(&place.cache, &key(0));
    let blob = OpenOptions::new().write(true).open(place.entry(&key(0)).join("0.cwasm")).unwrap();
    blob.write_all_at(&[0], 25_000).unwrap();
    let entry = place.cache.get(&key(0)).unwrap();
    assert_eq!(entry.read("recipe").unwrap(), bytes(1, 100));
    assert!(entry.read("0.cwasm").is_none());
    assert_eq!(place.names(), [""; 0]);
}

#[test]
fn damage_within_a_word_changes_every_sum() {
    for len in [1, 7, 8, 31, 32, 33, 100] {
        let whole = bytes(0, len);
        for i in 0..len {
            for bit in 0..8 {
                let mut other = whole.clone();
                other[i] ^= 1 << bit;
                assert_ne!(checksum::of(&whole), checksum::of(&other));
            }
        }
        assert_ne!(checksum::of(&whole), checksum::of(&[&whole[..], &[0]].concat()));
    }
    assert_ne!(checksum::of(&[0; 4096]), checksum::of(&[0; 8192]));
}

#[test]
fn an_entry_that_is_replaced_while_it_is_opened_is_not_mixed_with_the_new_one() {
    let place = Place::new();
    let old = |cache: &Cache| cache.put(&key(0), &[("a", b"old"), ("b", b"old")]).unwrap();
    old(&place.cache);
    let replace = || {
        place.cache.remove(key(0).as_str());
        // As long as the old one, and with the same bytes but in one blob.
        place.cache.put(&key(0), &[("a", b"old"), ("b", b"new")]).unwrap();
    };
    assert!(matches!(Entry::load(&place.cache, &key(0), replace), Err(Miss::Replaced)));
    assert_eq!(place.cache.get(&key(0)).unwrap().read("b").unwrap(), b"new");

    // The very same blobs belong to another entry, too.
    place.cache.remove(key(0).as_str());
    old(&place.cache);
    let renew = || {
        place.cache.remove(key(0).as_str());
        old(&place.cache);
    };
    assert!(matches!(Entry::load(&place.cache, &key(0), renew), Err(Miss::Replaced)));

    // Who looks it up gets the new one, unless that takes too long.
    let mut left = 2;
    let renew_twice = || {
        if left > 0 {
            left -= 1;
            renew();
        }
    };
    assert!(place.cache.look_up(&key(0), renew_twice).is_some());
    assert!(place.cache.look_up(&key(0), renew).is_none());

    let evict = || assert!(place.cache.remove(key(0).as_str()));
    assert!(matches!(Entry::load(&place.cache, &key(0), evict), Err(Miss::Replaced)));
    assert!(place.cache.get(&key(0)).is_none());
}

#[test]
fn the_first_of_two_writers_wins() {
    let place = Place::new();
    let fill = |content: &'static [u8]| {
        let blobs: [(&str, &[u8]); 1] = [("a", content)];
        Scratch::fill(&place.cache, &key(0), &Manifest::new(&blobs).unwrap(), &blobs).unwrap()
    };
    let (first, second, third) = (fill(b"first"), fill(b"second"), fill(b"third"));
    assert!(place.cache.get(&key(0)).is_none());
    first.publish(&key(0)).unwrap();
    second.publish(&key(0)).unwrap();
    assert_eq!(place.cache.get(&key(0)).unwrap().read("a").unwrap(), b"first");

    // But not with an entry that is damaged.
    fs::remove_file(place.entry(&key(0)).join("a")).unwrap();
    third.publish(&key(0)).unwrap();
    assert_eq!(place.cache.get(&key(0)).unwrap().read("a").unwrap(), b"third");
    assert_eq!(place.names(), [key(0).as_str()]);
}

#[test]
fn a_writer_whose_files_were_cleared_away_does_not_publish_them() {
    let place = Place::new();
    let blobs: [(&str, &[u8]); 1] = [("a", b"content")];
    let scratch = Scratch::fill(&place.cache, &key(0), &Manifest::new(&blobs).unwrap(), &blobs).unwrap();
    let name = place.names().pop().unwrap();
    age(&place.cache.dir.join(&name), 3700);
    place.cache.make_room(0);
    assert!(scratch.publish(&key(0)).is_err());
    assert!(place.cache.get(&key(0)).is_none());
}

#[test]
fn an_open_entry_outlives_its_removal() {
    let place = Place::new();
    let entry = put_two(&place.cache, &key(0));
    assert!(place.cache.remove(key(0).as_str()));
    assert_eq!(place.names(), [""; 0]);
    assert_eq!(entry.read("0.cwasm").unwrap(), bytes(2, 50_000));
    assert_eq!(entry.file("recipe").unwrap().metadata().unwrap().len(), 100);
}

#[test]
fn a_discarded_entry_is_gone() {
    let place = Place::new();
    put_two(&place.cache, &key(0)).discard();
    assert!(place.cache.get(&key(0)).is_none());
}

#[test]
fn the_least_recently_used_entries_make_room() {
    let place = Place::with_limit(4 * SMALL);
    let put = |n| place.cache.put(&key(n), &[("a", b"content")]).is_some();
    for n in 0..4 {
        assert!(put(n));
        age(&place.entry(&key(n)).join("manifest"), 1000 - 100 * u64::from(n));
    }
    assert_eq!(place.names().len(), 4);
    // The oldest is used, and so the second goes.
    assert!(place.cache.get(&key(0)).is_some());
    assert!(put(4));
    let is_there = |n: &u32| place.entry(&key(*n)).exists();
    assert_eq!((0..5).filter(is_there).collect::<Vec<_>>(), [0, 2, 3, 4]);
    // Two more have to go for one twice as large.
    assert!(place.cache.put(&key(5), &[("a", &[7; 4 * 4096])]).is_some());
    assert_eq!((0..6).filter(is_there).collect::<Vec<_>>(), [0, 4, 5]);
    // With a lower limit, the next to be stored makes the rest go.
    assert!(Cache::open(&place.root, SMALL).unwrap().put(&key(6), &[("a", b"content")]).is_some());
    assert_eq!((0..7).filter(is_there).collect::<Vec<_>>(), [6]);
}

#[test]
fn writers_at_the_same_time_keep_to_the_limit_together() {
    let place = Place::with_limit(2 * SMALL);
    let blobs: [(&str, &[u8]); 1] = [("a", b"content")];
    let manifest = Manifest::new(&blobs).unwrap();
    let fill = |n: u32| {
        let before = place.names();
        let scratch = Scratch::fill(&place.cache, &key(n), &manifest, &blobs).unwrap();
        let name = place.names().into_iter().find(|name| !before.contains(name)).unwrap();
        age(&place.cache.dir.join(name).join("manifest"), 1000 - 100 * u64::from(n));
        scratch
    };
    let writers = [0, 1, 2].map(|n| (fill(n), key(n)));
    for (scratch, key) in writers {
        scratch.publish(&key).unwrap();
    }
    let mut left = [key(1).to_string(), key(2).to_string()];
    left.sort();
    assert_eq!(place.names(), left);
}

#[test]
fn an_entry_has_so_many_blobs_and_no_more() {
    let place = Place::new();
    let names: Vec<_> = (0..3000).map(|n| format!("{n}.cwasm")).collect();
    let blobs: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"content"[..])).collect();
    assert_eq!(place.cache.put(&key(0), &blobs[..200]).unwrap().names().count(), 200);
    assert!(Manifest::new(&blobs).unwrap().to_text(&key(1), "nonce").is_err());
    assert!(place.cache.put(&key(1), &blobs).is_none());
    assert_eq!(place.names(), [key(0).as_str()]);
}

#[test]
fn an_entry_larger_than_the_limit_is_not_stored_and_evicts_nothing() {
    let place = Place::with_limit(2 * SMALL);
    assert!(place.cache.put(&key(0), &[("a", b"content")]).is_some());
    assert!(place.cache.put(&key(1), &[("a", &[1; 2 * 12288 - 8192 + 1])]).is_none());
    assert_eq!(place.names(), [key(0).as_str()]);
    assert!(place.cache.put(&key(1), &[("a", &[1; 2 * 12288 - 8192])]).is_some());
    assert_eq!(place.names(), [key(1).as_str()]);
}

#[test]
fn a_full_disk_is_relieved_of_the_oldest_entries() {
    let place = Place::new();
    for n in 0..3 {
        place.cache.put(&key(n), &[("a", b"content")]).unwrap();
        age(&place.entry(&key(n)).join("manifest"), 1000 - 100 * u64::from(n));
    }
    assert!(place.cache.free(SMALL + 1));
    assert_eq!(place.names(), [key(2).as_str()]);
    assert!(place.cache.free(1));
    assert!(!place.cache.free(1));
}

#[test]
fn a_use_is_noted_once_a_minute() {
    let place = Place::new();
    put_two(&place.cache, &key(0));
    let manifest = place.entry(&key(0)).join("manifest");
    let noted = || fs::metadata(&manifest).unwrap().modified().unwrap();
    let set = age(&manifest, 30);
    place.cache.get(&key(0)).unwrap();
    assert_eq!(noted(), set);
    let set = age(&manifest, 61);
    place.cache.get(&key(0)).unwrap();
    assert!(noted() > set + Duration::from_secs(60));
    // A clock that was set back.
    let future = SystemTime::now() + Duration::from_secs(1000);
    File::open(&manifest).unwrap().set_modified(future).unwrap();
    place.cache.get(&key(0)).unwrap();
    assert!(noted() < future);
}

#[test]
fn what_killed_processes_left_is_cleared_after_an_hour_and_nothing_else_is() {
    let place = Place::new();
    for (name, seconds) in [("tmp-old", 3700), ("old-old", 3700), ("tmp-new", 3500), ("old-new", 3500), ("mine", 9999)]
    {
        let path = place.cache.dir.join(name);
        fs::create_dir(&path).unwrap();
        File::create(path.join("0.cwasm")).unwrap();
        age(&path, seconds);
    }
    put_two(&place.cache, &key(0));
    let mut left =
        vec!["mine", "old-new", "tmp-new", key(0).as_str()].into_iter().map(str::to_owned).collect::<Vec<_>>();
    left.sort();
    assert_eq!(place.names(), left);
}

#[test]
fn where_nothing_can_be_written_what_is_there_is_found_all_the_same() {
    let place = Place::new();
    put_two(&place.cache, &key(0));
    age(&place.entry(&key(0)).join("manifest"), 1000);
    for path in [&place.entry(&key(0)), &*place.cache.dir, &place.root] {
        chmod(path, 0o500);
    }
    let cache = Cache::open(&place.root, NO_LIMIT).unwrap();
    assert!(cache.get(&key(0)).is_some());
    // Root may write everywhere.
    if !is_root(&place) {
        assert!(cache.put(&key(1), &[("a", b"content")]).is_none());
    }
    for path in [&place.root, &*place.cache.dir, &place.entry(&key(0))] {
        chmod(path, 0o700);
    }
    // Nor is a directory that has gone an error.
    fs::remove_dir_all(&place.cache.dir).unwrap();
    assert!(place.cache.get(&key(0)).is_none());
    assert!(place.cache.put(&key(1), &[("a", b"content")]).is_none());
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let place = Place::new();
    let root = place.root.display().to_string();
    let open = |path: &Path| Cache::open(path, NO_LIMIT).map(|_| ());
    let refused = |path: &str| {
        Err(format!(
            "others can write to `{path}`, and could change what is kept there; stop them with `chmod go-w {path}`"
        ))
    };
    for mode in [0o720, 0o702, 0o777, 0o1777] {
        chmod(&place.root, mode);
        assert_eq!(open(&place.root), refused(&root), "{mode:o}");
    }
    chmod(&place.root, 0o755);
    assert_eq!(open(&place.root), Ok(()));
    chmod(&place.cache.dir, 0o770);
    assert_eq!(open(&place.root), refused(&format!("{root}/v1")));
    // Nor may they exchange a directory on the way, ...
    let below = place.root.join("way/cache");
    assert_eq!(open(&below), Ok(()));
    chmod(&place.root.join("way"), 0o777);
    assert_eq!(open(&below), refused(&format!("{root}/way")));
    // ... unless the sticky bit keeps them from it, or they cannot come so far.
    chmod(&place.root.join("way"), 0o1777);
    assert_eq!(open(&below), Ok(()));
    chmod(&place.root.join("way"), 0o777);
    chmod(&place.root, 0o700);
    assert_eq!(open(&below), Ok(()));
    // A way back out is no way in.
    chmod(&place.root, 0o755);
    fs::create_dir(place.root.join("closed")).unwrap();
    chmod(&place.root.join("closed"), 0o700);
    let entered = trust::enter(&place.root.join("closed/../way/cache"), place.cache.user);
    assert_eq!(entered.map(|_| ()), refused(&format!("{root}/way")));
}

#[test]
fn a_directory_or_link_of_another_user_is_refused() {
    let place = Place::new();
    symlink(&place.root, place.root.join("link")).unwrap();
    // Root is trusted by everyone: what is root's is given away for this test. Others take the part of another.
    let root = is_root(&place);
    let (owner, user) = if root {
        chown(&place.root, Some(4711), None).unwrap();
        lchown(place.root.join("link"), Some(4711), None).unwrap();
        (4711, User::current().unwrap())
    } else {
        let me = fs::metadata(&place.root).unwrap().uid();
        (me, User::of(me + 1))
    };
    let refused = |path: &Path| {
        Err(format!(
            "`{}` belongs to user {owner}, who could change what is kept there; give a directory of your own",
            path.display()
        ))
    };
    assert_eq!(trust::enter(&place.root, user), refused(&place.root));
    if root {
        // A link of another's in a directory of the user's own, as in `/tmp`.
        chown(&place.root, Some(0), None).unwrap();
        let link = place.root.join("link");
        assert_eq!(trust::enter(&link, user), refused(&link));
        lchown(&link, Some(0), None).unwrap();
        assert_eq!(trust::enter(&link, user), Ok(place.root.canonicalize().unwrap()));
    }
}

#[test]
fn a_directory_that_is_removed_while_it_is_opened_is_made_anew() {
    let place = Place::new();
    let real = place.root.canonicalize().unwrap();
    let dir = real.join("a/b");
    // The directory, or one above it, goes after it was made and before it is looked at.
    for gone in [&dir, &real.join("a")] {
        let mut left = 10;
        let remove = |here: &Path| {
            if here == dir && left > 0 {
                left -= 1;
                fs::remove_dir_all(gone).unwrap();
            }
        };
        assert_eq!(trust::enter_while(&dir, place.cache.user, remove), Ok(dir.clone()));
        assert_eq!(left, 0);
        assert!(dir.is_dir());
    }
    // But not for ever.
    let remove = |here: &Path| {
        if here == dir {
            fs::remove_dir(here).unwrap();
        }
    };
    let error = trust::enter_while(&dir, place.cache.user, remove).unwrap_err();
    assert_eq!(error, format!("`{}` cannot be used: it cannot be made, or is removed again and again", dir.display()));
}

#[test]
fn what_was_left_by_a_clock_that_was_wrong_is_cleared() {
    let place = Place::new();
    for (name, ahead) in [("tmp-far", 3700), ("tmp-near", 3500)] {
        let path = place.cache.dir.join(name);
        fs::create_dir(&path).unwrap();
        File::open(&path).unwrap().set_modified(SystemTime::now() + Duration::from_secs(ahead)).unwrap();
    }
    place.cache.make_room(0);
    assert_eq!(place.names(), ["tmp-near"]);
}

#[test]
fn links_of_the_users_own_are_followed_to_where_they_lead() {
    let place = Place::new();
    let real = place.root.canonicalize().unwrap();
    fs::create_dir(real.join("far")).unwrap();
    symlink("far/../far", real.join("near")).unwrap();
    symlink(real.join("near"), real.join("absolute")).unwrap();
    let cache = Cache::open(&real.join("absolute/./cache"), NO_LIMIT).unwrap();
    assert_eq!(*cache.dir, real.join("far/cache/v1"));

    symlink(real.join("far"), real.join("far/cache/v2")).unwrap();
    chmod(&real.join("far"), 0o777);
    chmod(&real, 0o755);
    assert!(Cache::open(&real.join("near"), NO_LIMIT).unwrap_err().starts_with("others can write to"));
    symlink("round", real.join("round")).unwrap();
    let error = Cache::open(&real.join("round"), NO_LIMIT).unwrap_err();
    assert_eq!(error, format!("`{}` leads over too many symbolic links", real.join("round").display()));
}

#[test]
fn a_directory_that_cannot_be_made_is_refused() {
    let place = Place::new();
    let file = place.root.canonicalize().unwrap().join("file");
    File::create(&file).unwrap();
    for path in [file.clone(), file.join("cache")] {
        let error = Cache::open(&path, NO_LIMIT).unwrap_err();
        assert_eq!(error, format!("`{}` is no directory", file.display()));
    }
}

#[test]
fn the_default_directory_is_the_users() {
    let home = if cfg!(target_os = "macos") { "/home/me/Library/Caches/purefork" } else { "/home/me/.cache/purefork" };
    let dir = |base: Option<&str>, home: Option<&str>| default_dir(base.map(OsString::from), home.map(PathBuf::from));
    assert_eq!(dir(Some("/caches"), Some("/home/me")), Some(PathBuf::from("/caches/purefork")));
    assert_eq!(dir(Some("caches"), Some("/home/me")), Some(PathBuf::from(home)));
    assert_eq!(dir(Some(""), Some("/home/me")), Some(PathBuf::from(home)));
    assert_eq!(dir(None, Some("/home/me")), Some(PathBuf::from(home)));
    assert_eq!(dir(None, Some("")), None);
    assert_eq!(dir(None, None), None);
}

/// Set in a process that a test has started, to the directory it is to use.
const CHILD: &str = "PUREFORK_TEST_CACHE";

/// This test, in a process of its own.
fn child(test: &str, root: &Path) -> Command {
    let (_, module) = module_path!().split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("{module}::{test}"), "--nocapture"]).env(CHILD, root);
    command
}

/// Notes whether anything was logged as damaged.
struct Alarm;

static DAMAGED: AtomicBool = AtomicBool::new(false);

impl tracing::Subscriber for Alarm {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut |_: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            let text = format!("{value:?}");
            if text.contains("damaged") {
                eprintln!("{text}");
                DAMAGED.store(true, Ordering::SeqCst);
            }
        });
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

const STRESS_KEYS: u32 = 6;
const STRESS_BLOBS: [(&str, usize); 4] = [("recipe", 60), ("0.cwasm", 9_000), ("1.cwasm", 20_000), ("2.cwasm", 9_000)];

/// Writes, reads, removes and evicts. Every entry is of one writer, who is in each of its bytes.
fn stress(root: &Path, thread: u32, found: &std::sync::atomic::AtomicU32) {
    // Five entries and a half.
    let cache = Cache::open(root, 5 * 16 * 4096 + 30_000).unwrap();
    for round in 0..120 {
        let key = key((round * 7 + thread * 3 + std::process::id()) % STRESS_KEYS);
        let mark = (round.wrapping_mul(31) ^ std::process::id() ^ thread << 6) as u8;
        let entry = match round % 4 {
            0 | 2 => {
                let content = STRESS_BLOBS.map(|(_, len)| vec![mark; len]);
                let names = STRESS_BLOBS.map(|(name, _)| name);
                cache.put(&key, &names.into_iter().zip(content.iter().map(Vec::as_slice)).collect::<Vec<_>>())
            }
            1 => cache.get(&key),
            _ => {
                cache.remove(key.as_str());
                None
            }
        };
        let Some(entry) = entry else { continue };
        found.fetch_add(1, Ordering::SeqCst);
        let content = STRESS_BLOBS.map(|(name, _)| entry.read(name).unwrap());
        let whose = content[0][0];
        for ((_, len), content) in STRESS_BLOBS.iter().zip(&content) {
            assert!(content.len() == *len && content.iter().all(|byte| *byte == whose));
        }
    }
}

#[test]
fn many_processes_and_threads_never_see_half_an_entry() {
    if let Some(root) = std::env::var_os(CHILD) {
        tracing::subscriber::set_global_default(Alarm).unwrap();
        let found = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (root, found) = (Path::new(&root), &found);
                scope.spawn(move || stress(root, thread, found));
            }
        });
        assert!(!DAMAGED.load(Ordering::SeqCst), "something was taken to be damaged");
        assert!(found.into_inner() > 0, "nothing was ever found");
        return;
    }
    let place = Place::new();
    let start = |_| {
        let mut command = child("many_processes_and_threads_never_see_half_an_entry", &place.root);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for process in (0..3).map(start).collect::<Vec<_>>() {
        let output = process.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains("1 passed"),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // Nothing is left but entries.
    assert!(place.names().iter().all(|name| Key::from_name(name).is_some()), "{:?}", place.names());
}

#[test]
fn a_writer_that_is_killed_leaves_no_half_entry() {
    if let Some(root) = std::env::var_os(CHILD) {
        let cache = Cache::open(Path::new(&root), NO_LIMIT).unwrap();
        for n in 0.. {
            cache.put(&key(n), &[("a", &[1; 60_000]), ("b", &[2; 60_000])]);
            println!("written");
        }
    }
    let place = Place::new();
    for _ in 0..5 {
        let mut writer =
            child("a_writer_that_is_killed_leaves_no_half_entry", &place.root).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = Vec::new();
        let stdout = writer.stdout.as_mut().unwrap();
        // It has written, and is writing.
        while !said.windows(7).any(|window| window == b"written") {
            let mut more = [0; 64];
            let read = stdout.read(&mut more).unwrap();
            assert!(read > 0, "the writer ended");
            said.extend_from_slice(&more[..read]);
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
    }
    for name in place.names() {
        match Key::from_name(&name) {
            Some(key) => assert!(Entry::load(&place.cache, &key, || ()).is_ok(), "{name}"),
            None => drop(age(&place.cache.dir.join(name), 3700)),
        }
    }
    place.cache.make_room(0);
    assert!(place.names().iter().all(|name| Key::from_name(name).is_some()), "{:?}", place.names());
}
