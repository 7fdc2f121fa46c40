//! What is written is read again, by a reader of its own, and shown as text.

use super::super::Trace;
use super::super::made::{at, function, hostile, many, task, three};
use expect_test::expect;
use std::collections::BTreeMap;

/// The value of a field.
#[derive(Clone, Debug)]
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    fn number(&self) -> u64 {
        match self {
            Field::Number(number) => *number,
            Field::Bytes(bytes) => panic!("expected a number, found {bytes:?}"),
        }
    }

    fn bytes(&self) -> &'a [u8] {
        match self {
            Field::Number(number) => panic!("expected bytes, found {number}"),
            Field::Bytes(bytes) => bytes,
        }
    }

    fn text(&self) -> &'a str {
        std::str::from_utf8(self.bytes()).expect("a text is UTF-8")
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// The fields of a message, in their order.
fn fields(mut bytes: &[u8]) -> Vec<(u32, Field<'_>)> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let (value, rest) = match key & 7 {
            0 => (Field::Number(varint(&mut bytes)), bytes),
            1 => (Field::Number(u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"))), &bytes[8..]),
            2 => {
                let length = varint(&mut bytes) as usize;
                (Field::Bytes(&bytes[..length]), &bytes[length..])
            }
            kind => panic!("no field of kind {kind} is written"),
        };
        bytes = rest;
        fields.push(((key >> 3) as u32, value));
    }
    fields
}

fn all<'a>(fields: &[(u32, Field<'a>)], number: u32) -> Vec<Field<'a>> {
    fields.iter().filter(|(at, _)| *at == number).map(|(_, field)| field.clone()).collect()
}

fn one<'a>(fields: &[(u32, Field<'a>)], number: u32) -> Option<Field<'a>> {
    all(fields, number).pop()
}

/// The interned names of a kind.
fn interned_names(data: &[(u32, Field<'_>)], kind: u32) -> BTreeMap<u64, String> {
    let entry = |field: Field<'_>| {
        let entry = fields(field.bytes());
        (one(&entry, 1).expect("a number").number(), one(&entry, 2).expect("a name").text().to_owned())
    };
    all(data, kind).into_iter().map(entry).collect()
}

/// What a trace says to who reads it with Perfetto's descriptions of its messages: a line for each packet.
fn read(bytes: &[u8]) -> String {
    let mut text = String::new();
    let (mut tracks, mut names) = (BTreeMap::new(), [(); 3].map(|()| BTreeMap::new()));
    for (number, packet) in fields(bytes) {
        assert_eq!(number, 1, "packet");
        let packet = fields(packet.bytes());
        assert_eq!(one(&packet, 10).map(|sequence| sequence.number()), Some(1), "trusted_packet_sequence_id");
        if let Some(interned) = one(&packet, 12) {
            assert_eq!(one(&packet, 13).map(|flags| flags.number()), Some(1), "sequence_flags");
            let data = fields(interned.bytes());
            names = [1, 2, 3].map(|kind| interned_names(&data, kind));
        }
        if let Some(track) = one(&packet, 60) {
            let track = fields(track.bytes());
            let uuid = one(&track, 1).expect("a uuid").number();
            match one(&track, 3) {
                Some(process) => {
                    let process = fields(process.bytes());
                    text += &format!(
                        "process {} {:?}\n",
                        one(&process, 1).unwrap().number(),
                        one(&process, 6).unwrap().text()
                    );
                }
                None => {
                    let name = one(&track, 2).expect("a name").text();
                    text += &format!(
                        "track {name:?} below {}, rank {}\n",
                        one(&track, 5).unwrap().number(),
                        one(&track, 12).unwrap().number()
                    );
                    tracks.insert(uuid, name.to_owned());
                }
            }
        }
        if let Some(event) = one(&packet, 11) {
            assert_eq!(one(&packet, 13).map(|flags| flags.number()), Some(2), "sequence_flags");
            let time = one(&packet, 8).expect("a time").number();
            text += &format!("{time:5} {}\n", event_line(&fields(event.bytes()), &tracks, &names));
        }
    }
    text
}

fn event_line(
    event: &[(u32, Field<'_>)],
    tracks: &BTreeMap<u64, String>,
    names: &[BTreeMap<u64, String>; 3],
) -> String {
    let kind = ["", "begin", "end", "instant"][one(event, 9).expect("a type").number() as usize];
    let mut line = format!("{} {kind}", tracks[&one(event, 11).expect("a track").number()]);
    if let Some(name) = one(event, 10) {
        line += &format!(" {}", names[1][&name.number()]);
    }
    for category in all(event, 3) {
        line += &format!(" #{}", names[0][&category.number()]);
    }
    for flow in all(event, 47) {
        line += &format!(" ~{}", flow.number());
    }
    for annotation in all(event, 4) {
        line += &format!(" {}", annotation_text(&fields(annotation.bytes()), names));
    }
    line
}

fn annotation_text(annotation: &[(u32, Field<'_>)], names: &[BTreeMap<u64, String>; 3]) -> String {
    let interned = one(annotation, 1).map(|name| names[2][&name.number()].clone());
    let name = interned.or(one(annotation, 10).map(|name| name.text().to_owned())).expect("a name");
    let entries = all(annotation, 11);
    if !entries.is_empty() {
        let entries: Vec<String> = entries.iter().map(|entry| annotation_text(&fields(entry.bytes()), names)).collect();
        return format!("{name}={{{}}}", entries.join(" "));
    }
    match (one(annotation, 3), one(annotation, 6)) {
        (Some(number), None) => format!("{name}={}", number.number()),
        (None, Some(text)) => format!("{name}={:?}", text.text()),
        other => panic!("expected one value, found {other:?}"),
    }
}

#[test]
fn slices_are_where_calls_ran_and_flows_lead_to_starts_and_waits() {
    expect![[r#"
        process 1 "purefork"
        track "host" below 1, rank 2
        track "worker 0" below 1, rank 3
          100 worker 0 begin main #call #error ~1 call=0 arguments={n="2"} error="`fail` trapped: integer divide by zero\n  at `deep` (offset 0x2f)\n  at `deeper` (offset 0x2f)\n  at `fail` (offset 0x2f)" fuel=40
          400 worker 0 end
          600 worker 0 begin main #call #error call=0
          700 worker 0 end
        track "worker 1" below 1, rank 4
          250 worker 1 begin double #call ~3 call=1 forked by=0 arguments={n="2"} result="4" fuel=7
          500 worker 1 end ~4
          550 worker 1 begin fail #call #error ~5 call=2 forked by=0 arguments={n="4"} error="`fail` trapped: integer divide by zero\n  at `deep` (offset 0x2f)\n  at `deeper` (offset 0x2f)\n  at `fail` (offset 0x2f)" fuel=3
          900 worker 1 end ~6
         1000 worker 1 begin main #call #error call=0
         1200 worker 1 end ~2
            0 host instant main #fork ~1 call=0
         1200 host instant main #wait ~2 call=0
          200 worker 0 instant double #fork ~3 call=1
          300 worker 0 instant fail #fork ~5 call=2
          600 worker 0 instant double #wait ~4 call=1
         1000 worker 1 instant fail #wait ~6 call=2
    "#]].assert_eq(&read(&three().to_perfetto()));
}

#[test]
fn hostile_names_and_times_are_written_all_the_same() {
    expect![[r#"
        process 1 "purefork"
        track "host" below 1, rank 2
        track "worker 4294967295" below 1, rank 3
        9007199254740991 worker 4294967295 begin </script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#0 #call #error ~1 call=0 arguments={</script><script>document.title='harm'</script><img src=x onerror="document.titl…="\"</script><script>document.title=\\'harm\\'</script><img src=x onerror=\\\"document.title=\\'harm\\'\\\">;`\\\"\\\\\\n\\u{0}\\u{202e}&lt;{rank=same}\"" 2="_"} error="</script><script>document.title='harm'</script><img src=x onerror=\"document.title='harm'\">;`\"\\\n\\0\\u{202e}&lt;{rank=same}\n  </script><script>document.title='harm'</script><img src=x onerror=\"document.title='harm'\">;`\"\\\n\\0\\u{202e}&lt;{rank=same}" fuel=18446744073709551615
        9007199254740991 worker 4294967295 end
        track "other threads" below 1, rank 4
            5 other threads begin </script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#0 #call #error call=0
            7 other threads end ~2
        9007199254740991 host instant </script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#1 #wait ~4 call=1
        9007199254740991 other threads instant </script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#1 #wait ~4 call=1
            5 other threads instant </script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#0 #wait ~2 call=0
            1 host instant </script><script>document.title='harm'</script><img src=x onerror="document.titl…@</script#1 #call ~3 ~4 call=1 forked by=0 result="{</script><script>document.title='harm'</script><img src=x onerror=\"document.title='harm'\">;`\"\\\\n\\0\\u{202e}&lt;{rank=same}: \"</script><script>document.title=\\'harm\\'</script><img src=x onerror=\\\"document.title…" fuel=18446744073709551615
    "#]].assert_eq(&read(&hostile().to_perfetto()));
}

#[test]
fn of_calls_that_end_at_a_time_the_inner_one_ends_first() {
    let mut trace = Trace { functions: ["outer", "inner"].map(|name| function("", name)).into(), ..Trace::default() };
    for (function, parent, started, done) in [(0, None, 2, 9), (1, Some(0), 2, 9), (0, None, 9, 12)] {
        let mut call = task(function, parent, 0, at(1, 0));
        (call.started, call.done) = (Some(at(started, 0)), Some(at(done, 0)));
        trace.tasks.push(call);
    }
    expect![[r#"
        process 1 "purefork"
        track "host" below 1, rank 2
        track "worker 0" below 1, rank 3
            2 worker 0 begin outer #call ~1 call=0 fuel=0
            2 worker 0 begin inner #call ~3 call=1 forked by=0 fuel=0
            9 worker 0 end ~4
            9 worker 0 end ~2
            9 worker 0 begin outer #call ~5 call=2 fuel=0
           12 worker 0 end ~6
    "#]]
    .assert_eq(&read(&trace.to_perfetto()));
}

#[test]
fn nothing_happened() {
    expect![[r#"
        process 1 "purefork"
        track "host" below 1, rank 2
    "#]]
    .assert_eq(&read(&Trace::default().to_perfetto()));
}

#[test]
fn on_each_track_slices_that_begin_also_end_in_the_order_of_time() {
    let trace = many(3000, 3, 50, |call| call % 4);
    let text = read(&trace.to_perfetto());
    let mut open = BTreeMap::<&str, (u64, i64)>::new();
    for line in text.lines().filter(|line| line.contains(" worker ")) {
        let (time, event) = line.trim().split_once(' ').expect("an event");
        let (track, event) = event.split_at("worker 0".len());
        let of = open.entry(track).or_default();
        if event.starts_with(" instant") {
            continue;
        }
        let time = time.parse().expect("a time");
        assert!(of.0 <= time, "{line}");
        *of = (time, of.1 + if event.starts_with(" begin") { 1 } else { -1 });
        assert!((0..=1).contains(&of.1), "{line}");
    }
    assert_eq!(open.values().map(|(_, open)| *open).collect::<Vec<_>>(), [0, 0, 0]);
    assert_eq!(text.matches(" #error").count(), text.matches(" #call #error").count());
}
