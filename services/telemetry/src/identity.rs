//! Who this process is: the answer of `/whoami`, by which an intercept is proven.

use opentelemetry::Key;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::names;

/// Who this process is. Never changes while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// `service.name` of the resource.
    pub service: String,
    /// `service.version` of the resource.
    pub version: String,
    /// `throughline.site` of the resource.
    pub site: Option<String>,
    /// The process id as the process itself sees it.
    pub pid: u32,
    /// `service.instance.id` of the resource.
    pub instance_id: String,
    /// When the process started, RFC 3339.
    pub started_at: jiff::Timestamp,
}

impl Identity {
    /// Reads the identity off the resource, so that `/whoami` and the spans can't disagree.
    #[must_use]
    pub fn of(resource: &Resource) -> Self {
        let text = |name: &'static str| resource.get(&Key::new(name)).map(|value| value.to_string());
        Self {
            service: text(names::SERVICE_NAME).unwrap_or_default(),
            version: text(names::SERVICE_VERSION).unwrap_or_default(),
            site: text(names::SITE),
            pid: std::process::id(),
            instance_id: text(names::SERVICE_INSTANCE_ID).unwrap_or_default(),
            started_at: jiff::Timestamp::now(),
        }
    }
}

/// The body of `/whoami`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAmI {
    /// Who answers.
    #[serde(flatten)]
    pub identity: Identity,
    /// The caller's nonce, as it was sent.
    pub nonce: Option<String>,
    /// How often this process was asked with a nonce, this time included.
    #[serde(default)]
    pub probes: u64,
    /// The process's count of its spans.
    pub telemetry: Account,
}

/// A random instance id in the form of a version 4 UUID (RFC 9562), as the semantic conventions recommend.
#[must_use]
pub fn new_instance_id() -> String {
    let mut bytes = RandomIdGenerator::default().new_trace_id().to_bytes();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_is_a_random_uuid_of_version_4() {
        let (one, other) = (new_instance_id(), new_instance_id());
        assert_ne!(one, other);
        let fields: Vec<&str> = one.split('-').collect();
        assert_eq!(
            fields.iter().map(|field| field.len()).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12],
            "{one}"
        );
        assert!(
            fields[2].starts_with('4') && fields[3].starts_with(['8', '9', 'a', 'b']),
            "{one}"
        );
    }
}
