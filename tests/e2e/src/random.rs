//! Ids that are new each time.

use std::hash::{BuildHasher, Hasher, RandomState};

use trace::{RequestId, SpanId, TraceId};

/// 64 unpredictable bits. The standard library seeds [`RandomState`] from the operating system; ids need to be unique, not secret.
fn bits() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A new trace id.
#[must_use]
pub fn trace_id() -> TraceId {
    loop {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&bits().to_be_bytes());
        bytes[8..].copy_from_slice(&bits().to_be_bytes());
        if let Ok(id) = TraceId::from_bytes(bytes) {
            return id;
        }
    }
}

/// A new span id.
#[must_use]
pub fn span_id() -> SpanId {
    loop {
        if let Ok(id) = SpanId::from_bytes(bits().to_be_bytes()) {
            return id;
        }
    }
}

/// A new request id, short enough to be read aloud.
#[must_use]
pub fn request_id() -> RequestId {
    format!("r-{:08x}", bits() >> 32)
        .parse()
        .expect("hexadecimal digits are visible ASCII")
}

/// A new nonce for a data-plane proof.
#[must_use]
pub fn nonce() -> String {
    format!("{:016x}", bits())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn ids_do_not_repeat() {
        let ids: BTreeSet<_> = (0..1000).map(|_| super::trace_id()).collect();
        assert_eq!(ids.len(), 1000);
    }
}
