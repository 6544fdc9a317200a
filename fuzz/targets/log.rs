#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hamok_fuzz::LOG.run(bytes));
