//! Which versions are used: the pins of `pins.yaml`, and what may replace them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use testbed::Explain;

use crate::reference::{ImageRef, InvalidReference, Version};
use crate::source::Source;

/// The text of `pins.yaml`, the one place where versions are decided.
pub const BUILT_IN: &str = include_str!("../pins.yaml");

/// Something whose version is pinned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pin {
    /// The kind program.
    Kind,
    /// The image of the cluster's node.
    Node,
    /// The Telepresence program.
    Telepresence,
    /// The image of Telepresence's traffic manager and traffic agent.
    TrafficManager,
    /// Jaeger's image.
    Jaeger,
    /// The Collector's image.
    Collector,
    /// Where the kind program comes from, on this platform.
    KindLinuxAmd64,
    /// Where the kind program comes from, on this platform.
    KindLinuxArm64,
    /// Where the Telepresence program comes from, on this platform.
    TelepresenceLinuxAmd64,
    /// Where the Telepresence program comes from, on this platform.
    TelepresenceLinuxArm64,
}

impl Pin {
    /// All of them, in the order of `pins.yaml`.
    pub const ALL: [Self; 10] = [
        Self::Kind,
        Self::Node,
        Self::Telepresence,
        Self::TrafficManager,
        Self::Jaeger,
        Self::Collector,
        Self::KindLinuxAmd64,
        Self::KindLinuxArm64,
        Self::TelepresenceLinuxAmd64,
        Self::TelepresenceLinuxArm64,
    ];

    /// Those that say where a program comes from, each with the pin of the program's version.
    const DOWNLOADS: [(Self, Self); 4] = [
        (Self::KindLinuxAmd64, Self::Kind),
        (Self::KindLinuxArm64, Self::Kind),
        (Self::TelepresenceLinuxAmd64, Self::Telepresence),
        (Self::TelepresenceLinuxArm64, Self::Telepresence),
    ];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pin| pin.name() == name)
    }

    fn is_download(self) -> bool {
        Self::DOWNLOADS.iter().any(|(pin, _)| *pin == self)
    }

    /// Its name in `pins.yaml` and in `--pin NAME=VALUE`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Node => "node",
            Self::Telepresence => "telepresence",
            Self::TrafficManager => "traffic-manager",
            Self::Jaeger => "jaeger",
            Self::Collector => "collector",
            Self::KindLinuxAmd64 => "kind-linux-amd64",
            Self::KindLinuxArm64 => "kind-linux-arm64",
            Self::TelepresenceLinuxAmd64 => "telepresence-linux-amd64",
            Self::TelepresenceLinuxArm64 => "telepresence-linux-arm64",
        }
    }

    /// The environment variable that replaces it.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Kind => "THROUGHLINE_PIN_KIND",
            Self::Node => "THROUGHLINE_PIN_NODE",
            Self::Telepresence => "THROUGHLINE_PIN_TELEPRESENCE",
            Self::TrafficManager => "THROUGHLINE_PIN_TRAFFIC_MANAGER",
            Self::Jaeger => "THROUGHLINE_PIN_JAEGER",
            Self::Collector => "THROUGHLINE_PIN_COLLECTOR",
            Self::KindLinuxAmd64 => "THROUGHLINE_PIN_KIND_LINUX_AMD64",
            Self::KindLinuxArm64 => "THROUGHLINE_PIN_KIND_LINUX_ARM64",
            Self::TelepresenceLinuxAmd64 => "THROUGHLINE_PIN_TELEPRESENCE_LINUX_AMD64",
            Self::TelepresenceLinuxArm64 => "THROUGHLINE_PIN_TELEPRESENCE_LINUX_ARM64",
        }
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Where the value of a pin comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `pins.yaml`.
    BuiltIn,
    /// The user's file.
    File(PathBuf),
    /// The environment variable [`Pin::variable`].
    Variable,
    /// `--pin NAME=VALUE`.
    Flag,
}

/// One `--pin NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinFlag {
    /// What is replaced.
    pub pin: Pin,
    /// Its version or image.
    pub value: String,
}

impl FromStr for PinFlag {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let (name, value) = text.split_once('=').ok_or_else(|| PinError::Flag {
            text: text.to_owned(),
        })?;
        let pin = Pin::named(name).ok_or_else(|| PinError::Unknown {
            name: name.to_owned(),
            origin: Origin::Flag,
        })?;
        Ok(Self {
            pin,
            value: value.to_owned(),
        })
    }
}

/// Every version and image, decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    /// The kind program.
    pub kind: Version,
    /// The image of the cluster's node.
    pub node: ImageRef,
    /// The Telepresence program.
    pub telepresence: Version,
    /// The image of Telepresence's traffic manager and traffic agent.
    pub traffic_manager: ImageRef,
    /// Jaeger's image.
    pub jaeger: ImageRef,
    /// The Collector's image.
    pub collector: ImageRef,
    /// Where each program comes from on each platform. One that is built in has its checksum only while the program's version
    /// is the one that is built in.
    pub downloads: BTreeMap<Pin, Source>,
    origins: BTreeMap<Pin, Origin>,
}

/// Why the pins could not be decided.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// A flag without `=`.
    #[error("`--pin {text}` has no value")]
    Flag {
        /// The flag's argument.
        text: String,
    },
    /// A name that nothing is pinned under.
    #[error("nothing is pinned under the name {name:?} ({origin})")]
    Unknown {
        /// The name.
        name: String,
        /// Where it was found.
        origin: Origin,
    },
    /// A file that is not YAML, or not of the form of `pins.yaml`.
    #[error("the pins in {path} can't be read")]
    File {
        /// The file.
        path: PathBuf,
        /// Line, column and cause.
        source: Box<serde_saphyr::Error>,
    },
    /// A value that is no version or no image.
    #[error("the pin {pin} can't be used ({origin})")]
    Value {
        /// The pin.
        pin: Pin,
        /// Where its value was found.
        origin: Origin,
        /// What is wrong with the value.
        source: InvalidReference,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::File(path) => write!(f, "from {}", path.display()),
            Self::Variable => f.write_str("from its variable"),
            Self::Flag => f.write_str("from `--pin`"),
        }
    }
}

impl Explain for PinError {
    fn hint(&self) -> Option<String> {
        let names = || Pin::ALL.map(|pin| format!("`{pin}`")).join(", ");
        match self {
            Self::Flag { .. } => Some(
                "write `--pin NAME=VALUE`, for instance `--pin jaeger=jaegertracing/jaeger:2.13.0`".into(),
            ),
            Self::Unknown { .. } | Self::File { .. } => Some(format!("the names are {}", names())),
            Self::Value {
                pin: pin @ (Pin::Kind | Pin::Telepresence),
                ..
            } => Some(format!(
                "`{pin}` is the version of a program, for instance `0.32.0`"
            )),
            Self::Value { pin, .. } if pin.is_download() => Some(format!(
                "`{pin}` is an address with a checksum, for instance `https://mirror.example.com/{pin}@sha256:…`"
            )),
            Self::Value { pin, .. } => Some(format!(
                "`{pin}` is an image with a tag, for instance `registry.example.com/mirror:1.0`"
            )),
        }
    }
}

impl Pins {
    /// The pins of `pins.yaml`.
    ///
    /// # Errors
    /// None in a build whose tests pass.
    pub fn built_in() -> Result<Self, PinError> {
        Self::decide(&[], |_| None, None)
    }

    /// Decides each pin: a flag comes before its variable, the variable before the file, the file before `pins.yaml`.
    /// The last of several flags for one pin counts. `lookup` is asked for variables; `file` is a path and its text.
    ///
    /// # Errors
    /// A name or value that can't be used, wherever it stands: a wrong value is never passed over for a weaker one.
    pub fn decide(
        flags: &[PinFlag],
        lookup: impl Fn(&str) -> Option<String>,
        file: Option<(&Path, &str)>,
    ) -> Result<Self, PinError> {
        let built_in: Values = parse(Path::new("pins.yaml"), BUILT_IN)?
            .into_iter()
            .map(|(pin, value)| (pin, (value, Origin::BuiltIn)))
            .collect();
        let mut values = built_in.clone();
        let mut take = |pin, value, origin| values.insert(pin, (value, origin));
        if let Some((path, text)) = file {
            for (pin, value) in parse(path, text)? {
                take(pin, value, Origin::File(path.to_owned()));
            }
        }
        for pin in Pin::ALL {
            // An empty variable is one that was unset the only way some shells and pipelines can.
            if let Some(value) = lookup(pin.variable()).filter(|value| !value.is_empty()) {
                take(pin, value, Origin::Variable);
            }
        }
        for PinFlag { pin, value } in flags {
            take(*pin, value.clone(), Origin::Flag);
        }
        Ok(Self {
            kind: read(&values, Pin::Kind)?,
            node: read(&values, Pin::Node)?,
            telepresence: read(&values, Pin::Telepresence)?,
            traffic_manager: read(&values, Pin::TrafficManager)?,
            jaeger: read(&values, Pin::Jaeger)?,
            collector: read(&values, Pin::Collector)?,
            downloads: Pin::DOWNLOADS
                .into_iter()
                .map(|(pin, program)| Ok((pin, source(&values, &built_in, pin, program)?)))
                .collect::<Result<_, PinError>>()?,
            origins: values
                .into_iter()
                .map(|(pin, (_, origin))| (pin, origin))
                .collect(),
        })
    }

    /// Where the value of a pin comes from.
    #[must_use]
    pub fn origin(&self, pin: Pin) -> &Origin {
        self.origins.get(&pin).unwrap_or(&Origin::BuiltIn)
    }
}

/// The text of each pin, and where it stands.
type Values = BTreeMap<Pin, (String, Origin)>;

fn parse(path: &Path, text: &str) -> Result<BTreeMap<Pin, String>, PinError> {
    serde_saphyr::from_str(text).map_err(|source| PinError::File {
        path: path.to_owned(),
        source: Box::new(source),
    })
}

/// Where a program comes from. A checksum that is built in is that of the version that is built in, and of no other.
fn source(values: &Values, built_in: &Values, pin: Pin, program: Pin) -> Result<Source, PinError> {
    let source: Source = read(values, pin)?;
    let version: Version = read(values, program)?;
    let is_of_another = values.get(&pin) == built_in.get(&pin) && version != read(built_in, program)?;
    Ok(if is_of_another {
        source.without_checksum()
    } else {
        source
    })
}

fn read<T>(values: &Values, pin: Pin) -> Result<T, PinError>
where
    T: FromStr<Err = InvalidReference>,
{
    let (text, origin) = values
        .get(&pin)
        .map_or(("", Origin::BuiltIn), |(text, origin)| (text, origin.clone()));
    text.parse()
        .map_err(|source| PinError::Value { pin, origin, source })
}

#[cfg(test)]
#[path = "pins/tests.rs"]
mod tests;
