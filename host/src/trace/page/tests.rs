use super::super::Trace;
use super::super::made::{HOSTILE, hostile, many, three};
use super::*;
use expect_test::expect;
use std::path::PathBuf;

/// Where pages go that a browser is to open; none if they are not to be kept.
fn folder() -> Option<PathBuf> {
    std::env::var_os("PUREFORK_PAGES").map(PathBuf::from)
}

/// The page, kept if pages are.
fn page(name: &str, trace: &Trace, ir: &str) -> String {
    let html = trace.to_html(name, ir);
    if let Some(folder) = folder() {
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        std::fs::write(folder.join(format!("{name}.html")), &html).expect("the page can be written");
    }
    html
}

/// The data in a page, as its script reads it.
fn data(html: &str) -> serde_json::Value {
    let (_, data) = html.split_once("<script type=\"application/json\" id=\"data\">").expect("there is data");
    let (data, _) = data.split_once("</script>").expect("the data ends");
    serde_json::from_str(data).expect("it is JSON")
}

const IR: &str = "graph @main(%n: s32 = 2):
  %1: future<s32> = fork @double(%n)
  %2: future<s32> = fork @fail(%1)
  %3: s32 = wait(%1)
  %4: s32 = wait(%2)
  return error
";

#[test]
fn the_data_is_columns_and_texts() {
    expect![[r#"
        {
          "args": [
            1,
            1,
            2
          ],
          "argsFrom": [
            -1,
            -1,
            1
          ],
          "argsOf": [
            1,
            1,
            1
          ],
          "cancelled": [
            -1,
            -1,
            -1
          ],
          "done": [
            1200,
            300,
            600
          ],
          "end": 1200,
          "forkedAfter": [
            -1,
            10,
            20
          ],
          "forkedOn": [
            -1,
            0,
            0
          ],
          "forkedSteps": [
            0,
            200,
            100
          ],
          "fuel": [
            40,
            7,
            3
          ],
          "function": [
            0,
            1,
            2
          ],
          "functions": [
            {
              "module": "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f",
              "name": "main",
              "params": [
                "n"
              ],
              "results": [
                "s32"
              ],
              "types": [
                "s32"
              ]
            },
            {
              "module": "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f",
              "name": "double",
              "params": [
                "n"
              ],
              "results": [
                "s32"
              ],
              "types": [
                "s32"
              ]
            },
            {
              "module": "5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f",
              "name": "fail",
              "params": [
                "n"
              ],
              "results": [
                "s32"
              ],
              "types": [
                "s32"
              ]
            }
          ],
          "ir": "graph @main(%n: s32 = 2):\n  %1: future<s32> = fork @double(%n)\n  %2: future<s32> = fork @fail(%1)\n  %3: s32 = wait(%1)\n  %4: s32 = wait(%2)\n  return error\n",
          "lanes": [
            {
              "rows": [
                {
                  "fromSteps": [
                    100,
                    500
                  ],
                  "length": [
                    300,
                    100
                  ],
                  "task": [
                    0,
                    0
                  ]
                }
              ],
              "worker": 0
            },
            {
              "rows": [
                {
                  "fromSteps": [
                    250,
                    300,
                    450
                  ],
                  "length": [
                    250,
                    350,
                    200
                  ],
                  "task": [
                    1,
                    2,
                    0
                  ]
                }
              ],
              "worker": 1
            }
          ],
          "number": [
            0,
            1,
            2
          ],
          "outputs": [],
          "parent": [
            -1,
            0,
            0
          ],
          "result": [
            3,
            2,
            3
          ],
          "site": [
            0,
            -1,
            -1
          ],
          "started": [
            100,
            50,
            250
          ],
          "state": [
            1,
            0,
            1
          ],
          "texts": [
            "example.rs:4",
            "2",
            "4",
            "Trap\n`fail` trapped: integer divide by zero\n  at `deep` (offset 0x2f)\n  at `deeper` (offset 0x2f)\n  at `fail` (offset 0x2f)"
          ],
          "title": "three",
          "version": 1,
          "waitsAfter": [
            0,
            25,
            30
          ],
          "waitsFor": [
            0,
            1,
            2
          ],
          "waitsOf": [
            2,
            0,
            0
          ],
          "waitsSteps": [
            50,
            350,
            300
          ]
        }"#]].assert_eq(&format!("{:#}", data(&page("three", &three(), IR))));
}

#[test]
fn hostile_texts_end_no_element_and_begin_none() {
    let html = page("hostile", &hostile(), HOSTILE);
    let titled = hostile().to_html(HOSTILE, HOSTILE);
    for html in [&html, &titled] {
        // The data, and the script.
        assert_eq!(html.matches("</script").count(), 2);
        assert_eq!(html.matches("<script").count(), 2);
        assert_eq!(html.matches("<img").count(), 0);
    }
    assert_eq!(data(&titled)["texts"].as_array().map(Vec::len), Some(8));
    assert_eq!(data(&titled)["title"], HOSTILE);
    assert_eq!(data(&titled)["ir"], HOSTILE);
}

#[test]
fn the_policy_allows_this_script_and_this_style_alone() {
    let html = Trace::default().to_html("nothing", "");
    let script = html.rsplit_once("<script>").and_then(|(_, rest)| rest.split_once("</script>")).expect("a script").0;
    let style = html.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).expect("a style").0;
    let (script, style) = (base64(&Sha256::digest(script)), base64(&Sha256::digest(style)));
    let policy = format!(
        "content=\"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'\">"
    );
    assert!(html.contains(&policy), "expected {policy}");
    assert_eq!(html.matches("http-equiv").count(), 1);
}

#[test]
fn of_a_long_ir_the_first_lines_are_shown() {
    let html = Trace::default().to_html("long", &"%1 = é\n".repeat(200_000));
    let ir = data(&html)["ir"].as_str().expect("a text").to_owned();
    assert_eq!(ir.lines().last(), Some("… lines left out: 68928; print the graph by itself to see them"));
    assert_eq!(
        data(&Trace::default().to_html("long", &"é".repeat(1 << 20)))["ir"],
        "… lines left out: 1; print the graph by itself to see them"
    );
}

#[test]
fn bytes_in_base64() {
    let given: Vec<_> = ["", "f", "fo", "foo", "foob"].iter().map(|text| base64(text.as_bytes())).collect();
    assert_eq!(given, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
}

#[test]
fn a_call_takes_at_most_120_bytes_of_a_large_page() {
    let html = page("large", &many(100_000, 4, 5, |call| call % 5), "");
    assert!(html.len() < 120 * 100_000, "the page of 100,000 calls has {} bytes", html.len());
}

#[test]
fn pages_for_a_browser() {
    // What there is, in the browser, to look at.
    page("nothing", &Trace::default(), "");
    page("one", &many(1, 1, 0, |_| 0), "");
    page("errors", &many(300, 4, 60, |call| call % 4), IR);
    page("middle", &many(5_000, 8, 1, |call| if call % 3 == 0 { 6 } else { 1 }), IR);
    page("chain", &many(5_000, 2, 1000, |_| 1), "");
    page("nested", &nested(5_000), "");
}

/// A call that ran within the one that forked it, which ran within the one that forked that, and so on.
fn nested(depth: usize) -> Trace {
    let mut trace = many(depth, 1, 0, |_| 1);
    for (at, task) in trace.tasks.iter_mut().enumerate() {
        let time = 1000 * at as u64;
        let moment = |time| super::super::made::at(time, 0);
        (task.forked, task.started, task.done) =
            (moment(time), Some(moment(time + 100)), Some(moment(4_000_000 * 5 - time)));
        task.pauses.clear();
        task.steps.clear();
    }
    trace
}
