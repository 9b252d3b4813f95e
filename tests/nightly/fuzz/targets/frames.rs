#![no_main]
//! Bytes on the socket, as they arrive in pieces, for the daemon and for the client.

use libfuzzer_sys::fuzz_target;
use roster_protocol::transport::{ClientCodec, ServerCodec};
use roster_protocol::{RosterRequest, RosterResponse};
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Decoder;

fn feed<T>(codec: &mut impl Decoder<Item = T, Error = std::io::Error>, bytes: &[u8], piece: usize) {
    let mut buffer = BytesMut::new();
    for piece in bytes.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let piece = usize::from(*first).max(1);
    feed(&mut ServerCodec::<RosterRequest, RosterResponse>::default(), bytes, piece);
    feed(&mut ClientCodec::<RosterRequest, RosterResponse>::default(), bytes, piece);
});
