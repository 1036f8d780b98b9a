//! Takes out of a cluster what a run put there, as `throughline withdraw` does.

use std::io;

use cluster::context::withdraw;
use cluster::tool::ToolPath;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let what = std::env::args().nth(2).unwrap_or_default();
    let withdrawal = withdraw::parse(&what)?;
    let tools = ToolPath::from_lookup(|name| std::env::var_os(name));
    withdrawal.perform(&tools).await.map_err(io::Error::other)
}
