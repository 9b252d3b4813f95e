//! What platforms send to us: proved by the platform's module, decided by `decision::webhook`, durable, and only then
//! answered. The queue behind it is the schedule's: what is due is requested as anything else is.

pub mod receive;
pub mod leases;
#[cfg(test)]
mod tests;
