//! Medians and percentiles of measured values.

/// The middle value; of two middle ones the mean. Zero of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.as_slice() {
        [] => 0.0,
        values if values.len() % 2 == 1 => values[middle],
        values => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The smallest value that is not below the given share (0 to 1) of all; zero of nothing. Sorts.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let place = (values.len() as f64 * share).ceil() as usize;
    values.get(place.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], 0.0)]
    #[case(&[3.0], 3.0)]
    #[case(&[9.0, 1.0], 5.0)]
    #[case(&[9.0, 1.0, 2.0], 2.0)]
    fn takes_the_middle(#[case] values: &[f64], #[case] expected: f64) {
        assert_eq!(median(values.iter().copied()), expected);
    }

    #[rstest]
    #[case(0.5, 50.0)]
    #[case(0.99, 99.0)]
    #[case(1.0, 100.0)]
    #[case(0.0, 1.0)]
    fn takes_the_value_at_a_share(#[case] share: f64, #[case] expected: f64) {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, share), expected);
        assert_eq!(percentile(&mut [], share), 0.0);
    }
}
