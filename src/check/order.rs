//! The order in which a folder's files run.

use std::cmp::Ordering;

/// Sorts paths as migration tools do: numbers by value, everything else by its letters; repeatable migrations (`R__`)
/// after the versioned ones of their folder.
pub fn in_running_order(paths: &mut [String]) {
    paths.sort_by(|a, b| {
        let (folder_a, name_a) = a.rsplit_once('/').unwrap_or(("", a));
        let (folder_b, name_b) = b.rsplit_once('/').unwrap_or(("", b));
        natural(folder_a, folder_b)
            .then_with(|| name_a.starts_with("R__").cmp(&name_b.starts_with("R__")))
            .then_with(|| natural(name_a, name_b))
            .then_with(|| a.cmp(b))
    });
}

/// Compares texts with their runs of digits as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        match (left.chars().next(), right.chars().next()) {
            (None, None) => return Ordering::Equal,
            (None, _) => return Ordering::Less,
            (_, None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, rest_left) = digits(left);
                let (y, rest_right) = digits(right);
                let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
                let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
                if order != Ordering::Equal {
                    return order;
                }
                (left, right) = (rest_left, rest_right);
            }
            (Some(x), Some(y)) => {
                if x != y {
                    return x.cmp(&y);
                }
                (left, right) = (&left[x.len_utf8()..], &right[y.len_utf8()..]);
            }
        }
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_order_by_value_and_repeatable_files_come_last() {
        let mut paths: Vec<String> = ["m/R__views.sql", "m/V10__c.sql", "m/V2__b.sql", "m/V02_1__d.sql", "m/V1__a.sql"]
            .iter()
            .map(|s| (*s).to_owned())
            .collect();
        in_running_order(&mut paths);
        assert_eq!(paths, ["m/V1__a.sql", "m/V02_1__d.sql", "m/V2__b.sql", "m/V10__c.sql", "m/R__views.sql"]);
    }
}
