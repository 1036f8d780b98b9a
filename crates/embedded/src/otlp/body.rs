//! Request bodies in bounded memory: a limit for each, before and after decompression, and one for all together.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use prost::bytes::BytesMut;

use super::failure::{BoxError, Failure};

/// The most that is reserved because a sender says so, before anything arrived.
const TRUSTED: usize = 4 << 20;

/// Memory that all requests together may take while they are received.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    taken: AtomicUsize,
}

impl Budget {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            taken: AtomicUsize::new(0),
        }
    }

    /// A share of nothing yet.
    pub(super) const fn share(self: Arc<Self>) -> Share {
        Share {
            budget: self,
            taken: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

/// What one request has taken of the budget; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    taken: usize,
}

impl Share {
    /// Takes more, or refuses when all requests together would have too much.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Failure> {
        let limit = self.budget.limit;
        let add = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= limit);
        match self
            .budget
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add)
        {
            Ok(_) => {
                self.taken += bytes;
                Ok(())
            }
            Err(_) => Err(Failure::Overloaded { limit }),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

/// Reads a whole body of at most `limit` bytes. `announced` reads the length out of the first bytes, where the
/// protocol has it there.
pub(super) async fn read<B>(
    mut body: B,
    limit: usize,
    share: &mut Share,
    announced: fn(&[u8]) -> Option<usize>,
) -> Result<Bytes, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let size = body
        .size_hint()
        .exact()
        .and_then(|size| usize::try_from(size).ok());
    if size.is_some_and(|size| size > limit) {
        discard(body, limit).await;
        return Err(Failure::TooLarge {
            limit,
            decompressed: false,
        });
    }
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(data) = next(&mut body).await? {
        let so_far = first.len() + whole.len();
        if data.len() > limit - so_far {
            discard(body, limit).await;
            return Err(Failure::TooLarge {
                limit,
                decompressed: false,
            });
        }
        share.take(data.len())?;
        // A body in one piece, as most are over HTTP/1.1, is not copied.
        if so_far == 0 {
            first = data;
            continue;
        }
        if whole.is_empty() {
            let size = size
                .or_else(|| announced(&first))
                .unwrap_or(0)
                .min(limit)
                .min(TRUSTED);
            whole.reserve(size.max(first.len() + data.len()));
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

async fn next<B>(body: &mut B) -> Result<Option<Bytes>, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Failure::Interrupted(error.into()))?;
        match frame.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => return Ok(Some(data)),
            // Trailers mean nothing in OTLP.
            Err(_) => {}
        }
    }
    Ok(None)
}

/// Takes in as much again and throws it away: a sender that is cut off while it writes may never read the answer.
async fn discard<B>(mut body: B, limit: usize)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let mut left = limit;
    while let Ok(Some(data)) = next(&mut body).await {
        match left.checked_sub(data.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Decompresses gzip of one or more members to at most `limit` bytes.
pub(super) fn gunzip(compressed: &[u8], limit: usize, share: &mut Share) -> Result<Bytes, Failure> {
    let mut decoder = MultiGzDecoder::new(compressed);
    let mut whole = Vec::new();
    let mut piece = vec![0; 32 << 10];
    loop {
        let read = decoder.read(&mut piece).map_err(Failure::Gzip)?;
        if read == 0 {
            return Ok(whole.into());
        }
        if read > limit - whole.len() {
            return Err(Failure::TooLarge {
                limit,
                decompressed: true,
            });
        }
        share.take(read)?;
        whole.extend_from_slice(&piece[..read]);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn share(limit: usize) -> Share {
        Arc::new(Budget::new(limit)).share()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn pieces(pieces: &[&'static str]) -> impl Body<Data = Bytes, Error = std::convert::Infallible> + Unpin {
        let frames: Vec<_> = pieces
            .iter()
            .map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))))
            .collect();
        StreamBody::new(futures_util::stream::iter(frames))
    }

    #[tokio::test]
    async fn puts_a_body_in_pieces_together() {
        let mut share = share(100);
        let whole = read(pieces(&["ab", "", "cde", "f"]), 6, &mut share, |_| {
            Some(usize::MAX)
        })
        .await
        .unwrap();
        assert_eq!((&*whole, share.taken), (&b"abcdef"[..], 6));
    }

    #[tokio::test]
    async fn refuses_a_body_of_one_byte_too_many_in_pieces_or_whole() {
        let failure = read(pieces(&["abc", "def"]), 5, &mut share(100), |_| None)
            .await
            .unwrap_err();
        assert!(
            matches!(
                failure,
                Failure::TooLarge {
                    limit: 5,
                    decompressed: false
                }
            ),
            "{failure:?}"
        );
        let whole = Full::new(Bytes::from_static(b"abcdef"));
        let failure = read(whole, 5, &mut share(100), |_| None).await.unwrap_err();
        assert!(
            matches!(
                failure,
                Failure::TooLarge {
                    limit: 5,
                    decompressed: false
                }
            ),
            "{failure:?}"
        );
    }

    #[tokio::test]
    async fn refuses_what_goes_over_the_budget_and_gives_it_back() {
        let budget = Arc::new(Budget::new(5));
        let mut share = budget.clone().share();
        let failure = read(pieces(&["abc", "def"]), 100, &mut share, |_| None)
            .await
            .unwrap_err();
        assert!(matches!(failure, Failure::Overloaded { limit: 5 }), "{failure:?}");
        assert_eq!(budget.taken(), 3);
        drop(share);
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn stops_a_bomb_at_the_limit() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert!(bomb.len() < 16 << 10);
        let mut share = share(usize::MAX);
        let failure = gunzip(&bomb, 1 << 20, &mut share).unwrap_err();
        assert!(
            matches!(
                failure,
                Failure::TooLarge {
                    decompressed: true,
                    ..
                }
            ),
            "{failure:?}"
        );
        assert!(share.taken <= 1 << 20);
    }

    #[test]
    fn decompresses_several_members_and_refuses_half_of_one() {
        let mut two = gzip(b"ab");
        two.extend(gzip(b"cd"));
        assert_eq!(&*gunzip(&two, 4, &mut share(100)).unwrap(), b"abcd");
        let failure = gunzip(&two[..two.len() - 3], 4, &mut share(100)).unwrap_err();
        assert!(matches!(failure, Failure::Gzip(_)), "{failure:?}");
    }
}
