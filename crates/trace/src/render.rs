//! A trace for people: one line, a text tree, a Mermaid sequence diagram, the data of a waterfall,
//! drawings.

mod mermaid;
mod path;
mod picture;
mod svg;
mod text;
mod waterfall;

pub use mermaid::{MermaidOptions, mermaid};
pub use path::path;
pub(crate) use path::{elsewhere, ways};
pub use picture::Picture;
pub use svg::{topology, waterfall_svg};
pub use text::{TextOptions, text};
pub use waterfall::{Row, Section, Waterfall, waterfall};

#[cfg(test)]
mod tests;
