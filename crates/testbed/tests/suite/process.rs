//! Children: started, watched, listened to and stopped.

mod conversation;
mod ending;
mod listening;
mod output;
mod starting;
