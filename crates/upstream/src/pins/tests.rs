//! Which value of a pin wins, and which are refused.

use super::*;

const FILE: &str = "jaeger: file.example.com/jaeger:1\ncollector: file.example.com/collector:1\n";

fn lookup(name: &str) -> Option<String> {
    match name {
        "THROUGHLINE_PIN_COLLECTOR" => Some("variable.example.com/collector:2".into()),
        "THROUGHLINE_PIN_NODE" => Some("variable.example.com/node:2".into()),
        "THROUGHLINE_PIN_KIND" => Some(String::new()),
        _ => None,
    }
}

#[test]
fn reads_every_pin_that_is_built_in() {
    let pins = Pins::built_in().unwrap();
    for pin in Pin::ALL {
        assert_eq!(pins.origin(pin), &Origin::BuiltIn, "{pin}");
    }
    assert_eq!(
        pins.traffic_manager.tag(),
        pins.telepresence.to_string(),
        "client and manager go together"
    );
}

#[test]
fn takes_flag_before_variable_before_file_before_built_in() {
    let flags = [
        "node=flag.example.com/node:0".parse().unwrap(),
        "node=flag.example.com/node:3".parse().unwrap(),
    ];
    let pins = Pins::decide(&flags, lookup, Some((Path::new("mine.yaml"), FILE))).unwrap();
    assert_eq!(pins.node.to_string(), "flag.example.com/node:3");
    assert_eq!(pins.collector.to_string(), "variable.example.com/collector:2");
    assert_eq!(pins.jaeger.to_string(), "file.example.com/jaeger:1");
    let built_in = Pins::built_in().unwrap();
    assert_eq!(
        (pins.kind, &pins.traffic_manager),
        (built_in.kind, &built_in.traffic_manager)
    );
    assert_eq!(pins.origin(Pin::Node), &Origin::Flag);
    assert_eq!(pins.origin(Pin::Collector), &Origin::Variable);
    assert_eq!(pins.origin(Pin::Jaeger), &Origin::File("mine.yaml".into()));
    assert_eq!(
        pins.origin(Pin::Kind),
        &Origin::BuiltIn,
        "an empty variable is not set"
    );
}

#[test]
fn a_checksum_that_is_built_in_holds_for_the_version_that_is_built_in() {
    let has = |flags: &[&str]| {
        let flags: Vec<_> = flags.iter().map(|flag| flag.parse().unwrap()).collect();
        let pins = Pins::decide(&flags, |_| None, None).unwrap();
        let has = |pin| pins.downloads[&pin].sha256().is_some();
        [
            has(Pin::KindLinuxAmd64),
            has(Pin::KindLinuxArm64),
            has(Pin::TelepresenceLinuxAmd64),
        ]
    };
    let built_in = Pins::built_in().unwrap();
    assert_eq!(has(&[]), [true, true, true]);
    assert_eq!(has(&[&format!("kind=v{}", built_in.kind)]), [true, true, true]);
    assert_eq!(has(&["kind=0.1.2"]), [false, false, true]);
    assert_eq!(has(&["telepresence=2.29.0"]), [true, true, false]);
    let own = format!(
        "kind-linux-amd64=https://mirror.example.com/kind@sha256:{}",
        "0".repeat(64)
    );
    assert_eq!(has(&["kind=0.1.2", &own]), [true, false, true]);
}

#[test]
fn does_not_pass_over_a_wrong_value() {
    let wrong = |name: &str| (name == "THROUGHLINE_PIN_JAEGER").then(|| "jaeger".to_owned());
    let error = Pins::decide(&[], wrong, None).unwrap_err();
    assert!(
        matches!(
            error,
            PinError::Value {
                pin: Pin::Jaeger,
                origin: Origin::Variable,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn knows_its_own_names_only() {
    assert!(matches!(
        "jaegr=x:1".parse::<PinFlag>(),
        Err(PinError::Unknown { .. })
    ));
    assert!(matches!("jaeger".parse::<PinFlag>(), Err(PinError::Flag { .. })));
    let error = Pins::decide(&[], |_| None, Some((Path::new("mine.yaml"), "jaegr: x:1\n"))).unwrap_err();
    assert!(
        matches!(&error, PinError::File { path, .. } if path == Path::new("mine.yaml")),
        "{error:?}"
    );
}

#[test]
fn names_in_flags_files_and_variables_agree() {
    for pin in Pin::ALL {
        assert_eq!(serde_json::to_value(pin).unwrap(), pin.name());
        assert_eq!(
            pin.variable(),
            format!("THROUGHLINE_PIN_{}", pin.name().to_uppercase().replace('-', "_"))
        );
        assert!(
            BUILT_IN.lines().any(|line| line.starts_with(&format!("{pin}: "))),
            "{pin} is in pins.yaml"
        );
    }
}
