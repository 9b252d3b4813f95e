//! Parts of a picture that know no screen and no RPC.
//!
//! All text goes through [`pen::Pen`], which makes foreign text harmless and keeps it in its columns.

pub mod chart;
pub mod figures;
pub mod input;
pub mod pen;
pub mod qr;
pub mod sparkline;
pub mod table;
pub mod window;
