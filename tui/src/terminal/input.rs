//! What the terminal reports, read on a thread of its own: keys and pasted text, and its end.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;
use tokio::time::{Sleep, sleep};

use super::decoder::{Decoder, Event};

/// The most bytes of one read.
const MOST_READ: usize = 4_096;
/// How many reads wait for the program; then the terminal waits.
const MOST_WAITING: usize = 16;

/// Reads the terminal.
pub struct Input {
    /// Closed when the terminal is gone.
    pieces: mpsc::Receiver<Vec<u8>>,
    decoder: Decoder,
    decoded: VecDeque<Event>,
    /// Until the decoder waits no more.
    until: Option<Pin<Box<Sleep>>>,
}

impl Input {
    /// Begins to read stdin.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn open() -> io::Result<Self> {
        let (sender, pieces) = mpsc::channel(MOST_WAITING);
        thread::Builder::new().name("terminal-input".to_owned()).spawn(move || read_all(io::stdin(), &sender))?;
        Ok(Self::over(pieces))
    }

    fn over(pieces: mpsc::Receiver<Vec<u8>>) -> Self {
        Self { pieces, decoder: Decoder::default(), decoded: VecDeque::new(), until: None }
    }

    /// Waits for what is reported next; `None` when the terminal is gone. A call that is given up loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.decoded.pop_front() {
                return Some(event);
            }
            let Some(until) = &mut self.until else {
                let piece = self.pieces.recv().await?;
                self.take(&piece);
                continue;
            };
            tokio::select! {
                // What has arrived meanwhile counts, however late this is.
                biased;
                piece = self.pieces.recv() => self.take(&piece?),
                () = until => {
                    self.decoded.extend(self.decoder.waited());
                    self.wait();
                }
            }
        }
    }

    /// What is there already; `None` when that was all.
    pub fn ready(&mut self) -> Option<Event> {
        while self.decoded.is_empty() {
            let piece = self.pieces.try_recv().ok()?;
            self.take(&piece);
        }
        self.decoded.pop_front()
    }

    fn take(&mut self, piece: &[u8]) {
        self.decoded.extend(self.decoder.take(piece));
        self.wait();
    }

    fn wait(&mut self) {
        self.until = self.decoder.wait().map(|wait| Box::pin(sleep(wait)));
    }
}

/// Reads until the terminal is gone, or the program no longer listens.
fn read_all(terminal: impl AsFd, sender: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = [0; MOST_READ];
    loop {
        let piece = match rustix::io::read(&terminal, &mut buffer) {
            // A terminal that is gone reads as its end, for ever.
            Ok(0) => return,
            Ok(length) => buffer[..length].to_vec(),
            Err(Errno::INTR) => continue,
            // Another program that shares the terminal made it so.
            Err(Errno::AGAIN) => match poll(&mut [PollFd::new(&terminal, PollFlags::IN)], None) {
                Ok(_) | Err(Errno::INTR) => continue,
                Err(_) => return,
            },
            Err(_) => return,
        };
        if sender.blocking_send(piece).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossterm::event::KeyCode;
    use tokio::time::Instant;

    use super::*;

    async fn keys(input: &mut Input) -> Vec<KeyCode> {
        let mut keys = Vec::new();
        while let Some(event) = input.next().await {
            if let Event::Key(key) = event {
                keys.push(key.code);
            }
        }
        keys
    }

    /// The keys of pieces that arrive at these milliseconds.
    async fn arriving(pieces: &'static [(u64, &'static [u8])]) -> Vec<KeyCode> {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let begun = Instant::now();
        let terminal = tokio::spawn(async move {
            for (at, piece) in pieces {
                tokio::time::sleep_until(begun + Duration::from_millis(*at)).await;
                sender.send(piece.to_vec()).await.expect("it is read");
            }
            // A terminal that stays longer than anything is waited for.
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        let keys = keys(&mut Input::over(receiver)).await;
        terminal.await.expect("all was sent");
        keys
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_that_arrive_late_are_put_together() {
        use KeyCode::{Char, Esc, F, Left};
        assert_eq!(arriving(&[(0, b"\x1b"), (20, b"[D")]).await, [Left]);
        assert_eq!(arriving(&[(0, b"\x1b"), (50, b"OP")]).await, [F(1)]);
        assert_eq!(arriving(&[(0, b"\x1b["), (700, b"D")]).await, [Left]);
        assert_eq!(arriving(&[(0, b"\x1b"), (50, b"]11;rgb:1e1e"), (900, b"/1e1e/2e2e\x1b"), (950, b"\\")]).await, []);
        // Typed, not sent by one key.
        assert_eq!(arriving(&[(0, b"\x1b"), (40, b"j")]).await, [Esc, Char('j')]);
        assert_eq!(arriving(&[(0, b"\x1b"), (300, b"q")]).await, [Esc, Char('q')]);
    }

    #[tokio::test(start_paused = true)]
    async fn esc_is_a_key_although_something_else_happens_all_the_time() {
        let (sender, receiver) = mpsc::channel(1);
        let mut input = Input::over(receiver);
        sender.send(b"\x1b".to_vec()).await.expect("it is read");
        let begun = Instant::now();
        let event = loop {
            tokio::select! {
                event = input.next() => break event,
                () = tokio::time::sleep(Duration::from_millis(7)) => {}
            }
        };
        assert_eq!(event, Some(Event::Key(KeyCode::Esc.into())));
        assert!(begun.elapsed() <= Duration::from_millis(100), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn the_end_is_an_end() {
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let reading = thread::spawn(move || read_all(reader, &sender));
        rustix::io::write(&writer, b"ab").expect("written");
        drop(writer);
        assert_eq!(keys(&mut Input::over(receiver)).await, [KeyCode::Char('a'), KeyCode::Char('b')]);
        reading.join().expect("it has ended");
    }
}
