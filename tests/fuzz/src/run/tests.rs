use super::*;
use crate::Shape;
use std::sync::mpsc;

/// A parser with planted defects, one a first byte; each lies behind a step or two that must be found first.
struct Planted {
    shapes: bool,
}

impl Target for Planted {
    fn seeds(&self) -> Vec<Vec<u8>> {
        vec![b"begin 10 end".to_vec()]
    }

    fn words(&self) -> &'static [&'static [u8]] {
        &[b"<open>"]
    }

    fn mend(&mut self, input: &mut Vec<u8>, _: &mut Rng) {
        if let Some((last, rest)) = input.split_last_mut() {
            *last = rest.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
        }
    }

    fn take(&mut self, input: &[u8]) -> Shape {
        let has = |part: &[u8]| input.windows(part.len()).any(|window| window == part);
        let steps = usize::from(has(b"<open>")) + usize::from(has(b"<open><open>"));
        let sum_fits = input.split_last().is_some_and(|(last, rest)| {
            *last == rest.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
        });
        assert!(!(steps == 2 && sum_fits), "planted behind two words and a checksum");
        if self.shapes { Shape::default().with(steps) } else { Shape::default() }
    }
}

fn quiet() -> Watch {
    let bounds = Bounds { time_max: Duration::from_secs(60), memory_max: 1 << 40 };
    Watch::start(bounds, Box::new(|_, what| panic!("{what}")))
}

#[test]
fn a_defect_behind_words_and_a_checksum_is_found_and_its_input_shortened() {
    let report = run(&mut Planted { shapes: true }, 1, Until::Executions(200_000), &quiet(), &());
    let finding = report.finding.expect("found");
    assert!(finding.what.contains("planted behind") && finding.what.contains("tests.rs"), "{finding:?}");
    assert!(finding.input.len() <= 14, "shortened to what it needs: {finding:?}");
    let again = once(&mut Planted { shapes: true }, &finding.input, &quiet());
    assert_eq!(again.finding.expect("seen again").what, finding.what);
}

#[test]
fn one_seed_gives_one_run() {
    let of = |seed| run(&mut Planted { shapes: true }, seed, Until::Executions(200_000), &quiet(), &());
    assert_eq!(of(3), of(3));
    assert_ne!(of(3).executions, of(4).executions);
}

#[test]
fn inputs_of_new_shapes_lead_to_what_is_behind_them() {
    let mean = |shapes: bool| -> u64 {
        let runs = (0..8).map(|seed| {
            run(&mut Planted { shapes }, seed, Until::Executions(100_000), &quiet(), &()).executions
        });
        runs.sum()
    };
    assert!(mean(true) * 2 < mean(false), "kept inputs are worth it");
}

struct PanicsElsewhere;

impl Target for PanicsElsewhere {
    fn seeds(&self) -> Vec<Vec<u8>> {
        vec![b"x".to_vec()]
    }

    fn take(&mut self, _: &[u8]) -> Shape {
        let thread = std::thread::Builder::new().name("worker".into());
        // Nobody asks how the thread ended, as nobody asks a runtime's task.
        drop(thread.spawn(|| panic!("planted on another thread")).unwrap().join());
        Shape::default()
    }
}

#[test]
fn a_panic_that_another_thread_swallowed_is_a_finding() {
    let report = run(&mut PanicsElsewhere, 1, Until::Executions(1), &quiet(), &());
    let what = report.finding.expect("found").what;
    assert!(what.contains("thread worker") && what.contains("planted on another thread"), "{what}");
}

struct Costs(fn());

impl Target for Costs {
    fn seeds(&self) -> Vec<Vec<u8>> {
        vec![b"costly".to_vec()]
    }

    fn take(&mut self, _: &[u8]) -> Shape {
        (self.0)();
        Shape::default()
    }
}

/// What the watch says while an input goes on until it was told of.
fn alarmed(bounds: Bounds, cost: fn()) -> String {
    let (tell, told) = mpsc::channel();
    let alarm = move |input: &[u8], what: String| tell.send((input.to_vec(), what)).unwrap();
    let watch = Watch::start(bounds, Box::new(alarm));
    let report = run(&mut Costs(cost), 1, Until::Executions(1), &watch, &());
    assert_eq!(report.finding, None);
    let (input, what) = told.recv_timeout(Duration::from_secs(60)).expect("an alarm");
    assert_eq!(input, b"costly");
    what
}

#[test]
fn an_input_that_takes_too_long_or_too_much_raises_the_alarm() {
    let ample = Bounds { time_max: Duration::from_secs(600), memory_max: 1 << 40 };
    let slow = Bounds { time_max: Duration::from_millis(1), ..ample };
    // Sixty times the time between two looks of the watch.
    let what = alarmed(slow, || std::thread::sleep(Duration::from_secs(3)));
    assert!(what.contains("longer than 0.001 s"), "{what}");
    let hungry = Bounds { memory_max: 64 << 20, ..ample };
    let what = alarmed(hungry, || {
        let held = vec![1u8; 256 << 20];
        std::thread::sleep(Duration::from_secs(3));
        drop(std::hint::black_box(held));
    });
    assert!(what.contains("more than 64 MB"), "{what}");
}
