//! bincode, with limits for bytes from outside.

use bincode::config::{self, Configuration, Limit, LittleEndian, Varint};
use serde::{Serialize, de::DeserializeOwned};

/// Why bytes could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("malformed bytes: {0}")]
    Malformed(String),
    #[error("{0} bytes are left over after the value")]
    TrailingBytes(usize),
    #[error("the bytes or their sender were changed on the way")]
    WrongChecksum,
    #[error("version {0} is not known here")]
    UnknownVersion(u8),
    #[error("{0} bytes are more than the limit of {1}")]
    TooLarge(usize, usize),
}

const SMALL: usize = 4 * 1024;
const MEDIUM: usize = 256 * 1024;
const LARGE: usize = 16 * 1024 * 1024;
const HUGE: usize = 1024 * 1024 * 1024;
/// bincode counts eight bytes towards its limit for a number that it reads from one.
const MARGIN: usize = 16;

fn limited<const LIMIT: usize>() -> Configuration<LittleEndian, Varint, Limit<LIMIT>> {
    config::standard().with_limit::<LIMIT>()
}

/// Encodes a value of ours. Our own types always can be.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, config::standard()).unwrap_or_default()
}

/// Decodes a value from the whole of `bytes`.
///
/// bincode allocates what a length field claims as long as it is within its limit, and the limit is a constant: so we
/// take the smallest of a few that the input fits in, which bounds allocation to a small multiple of the input's size.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    use bincode::serde::borrow_decode_from_slice as decode;
    let length = bytes.len();
    let decoded = match length {
        _ if length <= SMALL => decode(bytes, limited::<{ SMALL * MARGIN }>()),
        _ if length <= MEDIUM => decode(bytes, limited::<{ MEDIUM * MARGIN }>()),
        _ if length <= LARGE => decode(bytes, limited::<{ LARGE * MARGIN }>()),
        _ if length <= HUGE => decode(bytes, limited::<{ HUGE * MARGIN }>()),
        _ => return Err(DecodeError::TooLarge(length, HUGE)),
    };
    let (value, read) = decoded.map_err(|error| DecodeError::Malformed(error.to_string()))?;
    match bytes.len() - read {
        0 => Ok(value),
        rest => Err(DecodeError::TrailingBytes(rest)),
    }
}

/// Decodes a value from the first of `bytes`.
pub fn decode_start<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let start = &bytes[..bytes.len().min(SMALL)];
    let decoded = bincode::serde::borrow_decode_from_slice(start, limited::<{ SMALL * MARGIN }>());
    decoded.map(|(value, _)| value).map_err(|error| DecodeError::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::blob::Blob;

    #[test]
    fn a_length_field_that_claims_too_much_is_refused() {
        // A varint length of 2^40 followed by nothing.
        let bytes = [253, 0, 0, 0, 0, 0, 1, 0, 0];
        assert!(decode::<Blob>(&bytes).is_err());
        assert!(decode::<String>(&bytes).is_err());
        assert!(decode::<Vec<Blob>>(&bytes).is_err());
    }

    #[test]
    fn many_small_numbers_are_within_the_limit() {
        for length in [4_000, 4_096, 200_000, 262_144] {
            let numbers = vec![1u64; length - 3];
            assert_eq!(decode::<Vec<u64>>(&encode(&numbers)).unwrap(), numbers);
        }
    }

    #[test]
    fn bytes_that_are_left_over_are_refused() {
        let mut bytes = encode(&7u64);
        bytes.push(0);
        assert!(matches!(decode::<u64>(&bytes), Err(DecodeError::TrailingBytes(1))));
    }
}
