//! A journal that is cut, torn or written on a full disk.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn push(number: u64) -> Record {
    let deed = Deed::command(
        "true",
        [format!("number {number}\n")],
        Duration::from_millis(1500),
    );
    Record::Push {
        name: format!("entry {number}"),
        deed,
        needs: Vec::new(),
        leased: None,
    }
}

fn failed() -> Outcome {
    Outcome::Failed {
        error: "busy".to_owned(),
        hint: None,
    }
}

#[cfg(target_os = "linux")] // for /dev/full
impl Journal {
    /// A journal that can't be written.
    pub(crate) fn on_a_full_disk() -> Self {
        let path = PathBuf::from("/dev/full");
        Self {
            file: File::options().append(true).open(&path).unwrap(),
            path,
            length: 0,
        }
    }
}

/// Any record that speaks of one of a few entries.
fn record() -> impl Strategy<Value = (u64, Record)> {
    let process = (any::<u32>(), any::<Option<u64>>());
    (1..6u64).prop_flat_map(move |seq| {
        let record = prop_oneof![
            3 => Just(push(seq)),
            2 => Just(Record::Done(Outcome::Ok)),
            1 => Just(Record::Done(failed())),
            1 => any::<bool>().prop_map(Record::Kept),
            1 => Just(Record::InProcess { name: "server".to_owned() }),
            1 => process.clone().prop_map(|(pid, start_time)| Record::Process(Identity { pid, start_time })),
        ];
        record.prop_map(move |record| (seq, record))
    })
}

/// What is outstanding after these records, worked out the slow way: each push from the end of its story.
fn expected(records: &[(u64, Record)]) -> Vec<u64> {
    let pushed = records
        .iter()
        .enumerate()
        .filter(|(_, (_, record))| matches!(record, Record::Push { .. }));
    let open = pushed.filter(|(at, (seq, _))| {
        let done = |(other, record): &(u64, Record)| other == seq && *record == Record::Done(Outcome::Ok);
        !records[*at..].iter().any(done)
    });
    open.map(|(_, (seq, _))| *seq).collect()
}

proptest! {
    // Each case waits for the disk a few times.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_journal_that_is_cut_anywhere_says_what_its_whole_lines_say(
        records in proptest::collection::vec(record(), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::create(path.clone()).unwrap();
        for (seq, record) in &records {
            journal.write(*seq, record.clone()).unwrap();
        }
        drop(journal);
        let mut text = fs::read(&path).unwrap();
        text.truncate(cut.index(text.len() + 1));
        fs::write(&path, &text).unwrap();

        let whole = text.iter().filter(|&&byte| byte == b'\n').count();
        let replay = Replay::of_file(&path).unwrap();
        let outstanding: Vec<u64> = replay.outstanding.iter().map(|entry| entry.seq).collect();
        prop_assert_eq!(&outstanding, &expected(&records[..whole]));
        prop_assert_eq!(&replay.damage, &[]);

        // Going on where it was cut tears nothing.
        let (mut journal, reopened) = Journal::reopen(path.clone()).unwrap();
        prop_assert_eq!(&reopened, &replay);
        journal.write(99, push(99)).unwrap();
        let replay = Replay::of_file(&path).unwrap();
        prop_assert_eq!(replay.outstanding.len(), outstanding.len() + 1);
        prop_assert_eq!(replay.damage, []);
    }

}

proptest! {
    #[test]
    fn any_bytes_are_read_without_trouble_and_every_odd_line_is_named(text: Vec<u8>) {
        let replay = Replay::read(&text);
        let lines = text.iter().filter(|&&byte| byte == b'\n').count();
        prop_assert!(replay.damage.len() <= lines);
        prop_assert!(replay.outstanding.is_empty());
    }
}

#[test]
fn every_record_comes_back_as_it_was() {
    let begin = Begin {
        run: "7f3a".parse().unwrap(),
        environment: EnvironmentName::Kind,
        runner: Identity {
            pid: 1,
            start_time: None,
        },
        temp: "/tmp".into(),
    };
    let records = [
        Record::Begin(begin),
        push(1),
        Record::Push {
            name: "a".to_owned(),
            deed: Deed::Remove { path: "/x".into() },
            needs: vec![1, 3],
            leased: Some(Leased {
                folder: "/run".into(),
                what: "kind cluster c".to_owned(),
            }),
        },
        Record::Push {
            name: "b".to_owned(),
            deed: Deed::Process {
                run: "7f3a".parse().unwrap(),
                name: "b".to_owned(),
            },
            needs: Vec::new(),
            leased: None,
        },
        Record::InProcess {
            name: "server".to_owned(),
        },
        Record::Process(Identity {
            pid: 2,
            start_time: Some(3),
        }),
        Record::Kept(true),
        Record::Done(failed()),
    ];
    for record in records {
        let line = Line {
            seq: 7,
            at: Timestamp::UNIX_EPOCH,
            record,
        };
        let text = serde_json::to_string(&line).unwrap();
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line, "{text}");
    }
}

#[test]
fn the_format_is_the_one_that_older_journals_have() {
    let line = Line {
        seq: 1,
        at: Timestamp::UNIX_EPOCH,
        record: push(1),
    };
    insta::assert_snapshot!(
        serde_json::to_string(&line).unwrap(),
        @r#"{"seq":1,"at":"1970-01-01T00:00:00Z","push":{"name":"entry 1","deed":{"deed":"command","program":"true","args":["number 1\n"],"env":{},"limit_ms":1500.0}}}"#
    );
}

#[test]
fn an_older_journal_needs_and_leases_nothing() {
    let line =
        r#"{"seq":1,"at":"1970-01-01T00:00:00Z","push":{"name":"a","deed":{"deed":"remove","path":"/x"}}}"#;
    let replay = Replay::read(format!("{line}\n").as_bytes());
    assert_eq!(replay.damage, []);
    let entry = &replay.outstanding[0];
    assert_eq!((entry.needs.len(), &entry.leased), (0, &None));
}

#[test]
fn a_failed_deed_is_still_outstanding() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::create(path.clone()).unwrap();
    journal.write(1, push(1)).unwrap();
    journal.write(1, Record::Done(failed())).unwrap();
    assert!(!Replay::of_file(&path).unwrap().is_finished());
    journal.write(1, Record::Done(Outcome::Ok)).unwrap();
    assert!(Replay::of_file(&path).unwrap().is_finished());
}

#[cfg(target_os = "linux")] // for /dev/full
#[test]
fn a_full_disk_is_an_error_and_never_a_silent_loss() {
    let error = Journal::on_a_full_disk().write(1, push(1)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}

#[test]
fn a_journal_is_never_begun_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    Journal::create(path.clone()).unwrap();
    assert_eq!(
        Journal::create(path).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
}
