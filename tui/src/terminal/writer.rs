//! Writes to the terminal on a thread of its own: an unread one blocks that thread, never the program.

use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::oneshot;

/// Writes in the order of the calls.
#[derive(Clone)]
pub struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// Bytes, and what to do when they are written.
type Job = (Vec<u8>, Box<dyn FnOnce(io::Result<()>) + Send>);

impl Writer {
    /// Over this process's stdout.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start() -> io::Result<Self> {
        Self::over(io::stdout())
    }

    /// Over another way to the terminal.
    ///
    /// # Errors
    /// As [`Writer::start`].
    pub fn over(terminal: impl AsFd + Send + 'static) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let write = move || queue.into_iter().for_each(|(bytes, then)| then(write_all(&terminal, &bytes)));
        thread::Builder::new().name("terminal-output".to_owned()).spawn(write)?;
        Ok(Self { jobs })
    }

    /// Writes; the result arrives when the terminal has taken everything.
    pub fn write(&self, bytes: Vec<u8>) -> oneshot::Receiver<io::Result<()>> {
        let (sender, written) = oneshot::channel();
        // The receiver may have no use for it; a thread that has ended drops the sender.
        let then = |result| _ = sender.send(result);
        let _ = self.jobs.send((bytes, Box::new(then)));
        written
    }

    /// Writes, and waits no longer than this for the terminal.
    pub fn write_within(&self, limit: Duration, bytes: Vec<u8>) {
        let (sender, written) = mpsc::channel();
        let then = move |result| _ = sender.send(result);
        let _ = self.jobs.send((bytes, Box::new(then)));
        // A terminal that is gone or unread: nothing is left to do about that.
        let _ = written.recv_timeout(limit);
    }
}

fn write_all(terminal: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(&terminal, bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            // Another program that shares the terminal made it so.
            Err(Errno::AGAIN) => match poll(&mut [PollFd::new(&terminal, PollFlags::OUT)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[tokio::test]
    async fn a_terminal_that_nobody_reads_blocks_nobody_and_nothing_is_lost() {
        let (reader, pipe) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::NONBLOCK).expect("a pipe");
        let writer = Writer::over(pipe).expect("a thread");
        let first = writer.write(vec![b'x'; 1_000_000]);
        let mut second = writer.write(b"end".to_vec());
        writer.write_within(Duration::from_millis(10), b"!".to_vec());
        assert!(second.try_recv().is_err(), "not written yet");
        rustix::fs::fcntl_setfl(&reader, rustix::fs::OFlags::empty()).expect("set");
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            std::fs::File::from(reader).read_to_end(&mut all).expect("read");
            all
        });
        first.await.expect("a result").expect("written");
        second.await.expect("a result").expect("written");
        drop(writer);
        let all = reading.join().expect("all was read");
        assert_eq!((all.len(), &all[1_000_000..]), (1_000_004, &b"end!"[..]));
    }

    #[tokio::test]
    async fn one_that_is_gone_is_an_error() {
        let (reader, pipe) = rustix::pipe::pipe().expect("a pipe");
        drop(reader);
        let written = Writer::over(pipe).expect("a thread").write(b"x".to_vec()).await;
        assert!(written.expect("a result").is_err());
    }
}
