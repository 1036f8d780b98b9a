//! What has to be known of an executable before it can be the only file of an image: for which processor it is, and
//! whether it needs a loader. Field offsets are those of the System V ABI, ELF header version 1.

/// The part of an executable's header that matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf {
    /// The processor in the OCI image specification's words.
    pub architecture: &'static str,
    /// The program that has to load it, if it is not static.
    pub interpreter: Option<String>,
}

/// Why an executable can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// Not an ELF file: a script, or a binary of another operating system.
    #[error("not an ELF executable")]
    NotElf,
    /// An ELF file that no node runs.
    #[error("an ELF executable of an unknown kind: {0}")]
    Unsupported(&'static str),
    /// The header points outside the file.
    #[error("an ELF executable that ends too early")]
    Truncated,
    /// It needs a loader and libraries, and the image has none.
    #[error("dynamically linked, needs {interpreter}")]
    Dynamic {
        /// The loader.
        interpreter: String,
    },
}

const PT_INTERP: u32 = 3;

impl Elf {
    /// Reads the header and the program headers.
    ///
    /// # Errors
    /// No 64-bit little-endian ELF file for a known processor, or a damaged one.
    pub fn parse(file: &[u8]) -> Result<Self, ElfError> {
        if file.get(..4) != Some(b"\x7fELF") {
            return Err(ElfError::NotElf);
        }
        if file.get(4..6) != Some(&[2, 1]) {
            return Err(ElfError::Unsupported("not 64 bits, little end first"));
        }
        let architecture = match u16_at(file, 18)? {
            62 => "amd64",
            183 => "arm64",
            _ => return Err(ElfError::Unsupported("neither x86-64 nor AArch64")),
        };
        let (table, size, count) = (u64_at(file, 32)?, u16_at(file, 54)?, u16_at(file, 56)?);
        for entry in 0..u64::from(count) {
            let at = position(
                entry
                    .checked_mul(size.into())
                    .and_then(|offset| offset.checked_add(table)),
            )?;
            if u32_at(file, at)? == PT_INTERP {
                let start = position(Some(u64_at(file, at.saturating_add(8))?))?;
                let length = position(Some(u64_at(file, at.saturating_add(32))?))?;
                let end = start.checked_add(length).ok_or(ElfError::Truncated)?;
                let path = file.get(start..end).ok_or(ElfError::Truncated)?;
                let path = String::from_utf8_lossy(path).trim_end_matches('\0').to_owned();
                return Ok(Self {
                    architecture,
                    interpreter: Some(path),
                });
            }
        }
        Ok(Self {
            architecture,
            interpreter: None,
        })
    }

    /// The same, if it needs no loader.
    ///
    /// # Errors
    /// [`ElfError::Dynamic`] if it does.
    pub fn require_static(self) -> Result<Self, ElfError> {
        match self.interpreter {
            Some(interpreter) => Err(ElfError::Dynamic { interpreter }),
            None => Ok(self),
        }
    }
}

fn bytes_at<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N], ElfError> {
    let end = at.checked_add(N).ok_or(ElfError::Truncated)?;
    file.get(at..end)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(ElfError::Truncated)
}

fn u16_at(file: &[u8], at: usize) -> Result<u16, ElfError> {
    bytes_at(file, at).map(u16::from_le_bytes)
}

fn u32_at(file: &[u8], at: usize) -> Result<u32, ElfError> {
    bytes_at(file, at).map(u32::from_le_bytes)
}

fn u64_at(file: &[u8], at: usize) -> Result<u64, ElfError> {
    bytes_at(file, at).map(u64::from_le_bytes)
}

fn position(offset: Option<u64>) -> Result<usize, ElfError> {
    offset
        .and_then(|offset| usize::try_from(offset).ok())
        .ok_or(ElfError::Truncated)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// An executable's header with one program header of this type, whose content is `content`.
    pub(crate) fn executable(machine: u16, kind: u32, content: &[u8]) -> Vec<u8> {
        let mut file = vec![0u8; 120];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&machine.to_le_bytes());
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[54..56].copy_from_slice(&56u16.to_le_bytes());
        file[56..58].copy_from_slice(&1u16.to_le_bytes());
        file[64..68].copy_from_slice(&kind.to_le_bytes());
        file[72..80].copy_from_slice(&120u64.to_le_bytes());
        file[96..104].copy_from_slice(&(content.len() as u64).to_le_bytes());
        file.extend(content);
        file
    }

    #[rstest]
    #[case(62, "amd64")]
    #[case(183, "arm64")]
    fn a_static_executable_is_taken(#[case] machine: u16, #[case] architecture: &'static str) {
        let elf = Elf::parse(&executable(machine, 1, b"")).and_then(Elf::require_static);
        assert_eq!(
            elf,
            Ok(Elf {
                architecture,
                interpreter: None
            })
        );
    }

    #[test]
    fn a_dynamic_executable_is_refused_with_its_loader() {
        let elf = Elf::parse(&executable(62, PT_INTERP, b"/lib64/ld-linux-x86-64.so.2\0"));
        let error = elf.and_then(Elf::require_static).unwrap_err();
        assert_eq!(
            error.to_string(),
            "dynamically linked, needs /lib64/ld-linux-x86-64.so.2"
        );
    }

    #[test]
    fn this_very_test_is_read_like_any_other_executable() {
        let elf = Elf::parse(&std::fs::read(std::env::current_exe().unwrap()).unwrap()).unwrap();
        let interpreter = elf.interpreter.expect("tests are linked dynamically");
        assert!(std::path::Path::new(&interpreter).exists(), "{interpreter}");
    }

    #[rstest]
    #[case(executable(8, 1, b""), "unknown kind")]
    #[case(executable(62, 1, b"")[..60].to_vec(), "too early")]
    #[case({ let mut file = executable(62, PT_INTERP, b"/lib"); file.truncate(121); file }, "too early")]
    #[case(b"MZ\x90\x00".to_vec(), "not an ELF")]
    fn says_what_is_wrong(#[case] file: Vec<u8>, #[case] expected: &str) {
        let error = Elf::parse(&file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    proptest! {
        #[test]
        fn never_panics(mut file in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (place, byte) in b"\x7fELF\x02\x01".iter().enumerate() {
                if let Some(there) = file.get_mut(place) { *there = *byte; }
            }
            let _ = Elf::parse(&file);
        }
    }
}
