//! A timeline as a picture, to be put into a document.
//!
//! What a key does is told by lightness and by height, so that it can be read in grey and by those who see no red.

use std::fmt::{Display, Write};

use super::{Doing, Month, Row, Timeline};
use crate::{Cause, Slot, Time};

const WIDTH: i64 = 960;
/// Where the time axis ends.
const RIGHT: i64 = 936;
/// The baseline of the years, and the top of the first row.
const AXIS: i64 = 92;
const TOP: i64 = 112;
const ROW: i64 = 26;
/// The height of what stands below the rows: alarms, gaps.
const LANE: i64 = 22;

const INK: &str = "#1c2733";
const SOFT: &str = "#5d6b78";
const GRID: &str = "#dfe4e8";
const USED: &str = "#174a7c";
const DECRYPTS: &str = "#86b3d6";
const ON: &str = "#c3ced6";
const OUTAGE: &str = "#f3dcb5";
const ALARM: &str = "#b3261e";
const WARN: &str = r##"fill="#ffffff" stroke="#b3261e" stroke-width="1.4""##;

pub(super) fn draw(line: &Timeline) -> String {
    let rows = i64::try_from(line.rows.len()).unwrap_or(0);
    let lanes = i64::from(!line.alarms.is_empty()) + i64::from(!line.gaps.is_empty());
    let lane = TOP + rows * ROW + 4;
    let bottom = lane + lanes * LANE + 2;
    let longest = line.rows.iter().map(|row| row.name().len()).max().unwrap_or(0);
    let left = 118 + i64::try_from(longest).unwrap_or(0) * 8;
    let mut picture = Picture { line, out: String::new(), left, lane, bottom };
    let legend = picture.entries();
    picture.head(bottom + 38 + 20 * i64::try_from(legend.len()).unwrap_or(1));
    picture.outages();
    picture.axis();
    for (place, row) in (0..).zip(&line.rows) {
        picture.row(row, TOP + place * ROW);
    }
    picture.alarms();
    picture.legend(&legend, bottom + 30);
    picture.put("</svg>");
    picture.out
}

struct Picture<'a> {
    line: &'a Timeline,
    out: String,
    /// Where the time axis begins.
    left: i64,
    /// Where the lanes below the rows begin, and where they end.
    lane: i64,
    bottom: i64,
}

impl Picture<'_> {
    fn put(&mut self, element: impl Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.out, "{element}");
    }

    fn text(&mut self, (x, y): (i64, i64), style: &str, text: &str) {
        self.put(format_args!(r#"<text x="{x}" y="{y}" {style}>{}</text>"#, escaped(text)));
    }

    /// A rectangle from one time to another. What is shorter than a stroke is drawn as one.
    fn bar(&mut self, (from, to): (Time, Time), (y, height): (i64, i64), style: &str, title: &str) {
        let (x, end) = (self.x(from), self.x(to));
        if to <= self.line.from || from >= self.line.to {
            return;
        }
        let width = (end - x).max(15);
        self.put(format_args!(
            r#"<rect x="{}" y="{y}" width="{}" height="{height}" {style}><title>{}</title></rect>"#,
            tenths(x),
            tenths(width),
            escaped(title)
        ));
    }

    /// Where `time` is, in tenths.
    fn x(&self, time: Time) -> i64 {
        let whole = i128::from((self.line.to - self.line.from).as_seconds().max(1));
        let time = time.clamp(self.line.from, self.line.to);
        let since = i128::from((time - self.line.from).as_seconds());
        i64::try_from(since * i128::from((RIGHT - self.left) * 10) / whole).unwrap_or(0) + self.left * 10
    }

    fn head(&mut self, height: i64) {
        let (title, summary) = (escaped(&self.line.title), escaped(&self.line.summary()));
        self.put(format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title desc" font-family="Helvetica, Arial, 'Liberation Sans', sans-serif" font-size="12" fill="{INK}">"#
        ));
        self.put(format_args!(r#"<title id="title">{title}</title>"#));
        self.put(format_args!(r#"<desc id="desc">{summary} {}</desc>"#, escaped(&self.in_words())));
        self.put(format_args!(r##"<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>"##));
        self.put(format_args!(
            r#"<defs><pattern id="out" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="{OUTAGE}"/><path d="M0 0V6" stroke="{SOFT}" stroke-width="1.2"/></pattern></defs>"#
        ));
        self.text((24, 34), r#"font-size="18" font-weight="bold""#, &self.line.title);
        self.text((24, 56), &format!(r#"font-size="13" fill="{SOFT}""#), &self.line.summary());
    }

    /// The same for those who don't see it.
    fn in_words(&self) -> String {
        let used = |row: &Row| match row.used_from {
            Time::NEVER => format!("{} was never in use.", row.name()),
            from => format!("{} was in use from {from} to {}.", row.name(), row.used_to),
        };
        self.line.rows.iter().map(used).collect::<Vec<_>>().join(" ")
    }

    fn axis(&mut self) {
        let (first, last) = (Month::of(self.line.from), Month::of(self.line.to));
        let months = last.since(first) + 1;
        // As many marks as can be told apart.
        let step = [1, 3, 6, 12].into_iter().find(|step| months / step <= 60).unwrap_or(12);
        for month in (0..=months).map(|month| first.plus(month)).filter(|month| month.of_year() % step == 0) {
            if month.start() < self.line.from || self.x(month.start()) > RIGHT * 10 - 40 {
                continue;
            }
            let (x, year) = (tenths(self.x(month.start())), month.of_year() == 0);
            let (from, colour) = if year { (AXIS - 14, SOFT) } else { (AXIS + 6, GRID) };
            let until = if year { self.bottom } else { AXIS + 12 };
            let colour = if year { GRID } else { colour };
            self.put(format_args!(r#"<path d="M{x} {from}V{until}" stroke="{colour}"/>"#));
            if months <= 30 {
                let name = MONTHS.get(usize::try_from(month.of_year()).unwrap_or(0)).copied().unwrap_or_default();
                let x = self.x(month.start()) / 10 + 3;
                if x < RIGHT - 20 {
                    self.text((x, AXIS + 12), &format!(r#"font-size="10" fill="{SOFT}""#), name);
                }
            }
            if year {
                let x = self.x(month.start()) / 10 + 5;
                if x < RIGHT - 24 {
                    self.text((x, AXIS - 2), r#"font-weight="bold""#, &month.year().to_string());
                }
            }
        }
        // The first year has no January in the picture, mostly.
        let next = first.plus(12 - first.of_year()).start();
        if first.start() < self.line.from && self.x(next) > (self.left + 40) * 10 {
            self.text((self.left + 5, AXIS - 2), r#"font-weight="bold""#, &first.year().to_string());
        }
        let (left, y) = (self.left, AXIS + 4);
        self.put(format_args!(r#"<path d="M{left} {y}H{RIGHT}" stroke="{SOFT}"/>"#));
    }

    fn row(&mut self, row: &Row, y: i64) {
        let name = capital(&row.name());
        self.text((24, y + 14), r#"font-weight="bold""#, &name);
        let why = format!(r#"font-size="11" fill="{SOFT}" text-anchor="end""#);
        self.text((self.left - 10, y + 14), &why, because(row.cause));
        let end = self.line.to;
        let decrypts = row.slot.decrypts() && row.doing(end) == Doing::DecryptsOn;
        let gone = row.destroyed.unwrap_or(Time::NEVER).min(end);
        if decrypts || row.destroyed.is_some() {
            self.bar((row.valid_to, gone), (y + 7, 5), &format!(r#"fill="{ON}""#), &format!("{name} decrypts on"));
        }
        if row.slot.decrypts() && row.used_to < row.valid_to {
            let style = format!(r#"fill="{DECRYPTS}""#);
            self.bar((row.used_to, row.valid_to.min(gone)), (y + 5, 9), &style, &format!("{name} decrypts"));
        }
        if row.made < row.used_from {
            let style = format!(r##"fill="#ffffff" stroke="{USED}" stroke-width="1.5""##);
            let until = row.used_from.min(end);
            self.bar((row.made, until), (y + 3, 13), &style, &format!("{name} is made and waits"));
        }
        if row.used_from != Time::NEVER {
            let title = format!("{name} in use from {} to {}", row.used_from, row.used_to);
            self.bar((row.used_from, row.used_to), (y + 1, 17), &format!(r#"fill="{USED}" rx="1.5""#), &title);
            let (x, until) = (self.x(row.used_from) / 10, self.x(row.used_to) / 10);
            if until - x > 118 {
                let dates = format!("{} – {}", day(row.used_from), day(row.used_to));
                self.text((x + 6, y + 13), r##"font-size="10" fill="#ffffff""##, &dates);
            }
        }
        if row.revoked {
            let x = tenths(self.x(row.valid_to));
            self.put(format_args!(r#"<path d="M{x} {}v21" stroke="{ALARM}" stroke-width="2.5"/>"#, y - 1));
        }
    }

    fn outages(&mut self) {
        let height = self.bottom - AXIS - 4;
        for (from, span) in self.line.outages.clone() {
            let title = format!("The authority does not answer for {span} from {from}");
            self.bar((from, from + span), (AXIS + 4, height), r#"fill="url(#out)""#, &title);
        }
    }

    /// Alarms and gaps, each in a lane below the rows.
    fn alarms(&mut self) {
        let mut y = self.lane;
        if !self.line.alarms.is_empty() {
            self.text((24, y + 11), r#"font-weight="bold""#, "Alarms");
        }
        for (at, level) in self.line.alarms.clone() {
            let (x, base) = (self.x(at), y + 12);
            let (middle, [left, right]) = (tenths(x), [tenths(x - 55), tenths(x + 55)]);
            let word = level.word();
            self.put(format_args!(
                r#"<path d="M{middle} {y}L{right} {base}H{left}Z" {WARN}><title>{word}, {at}</title></path>"#
            ));
        }
        y += if self.line.alarms.is_empty() { 0 } else { LANE };
        if !self.line.gaps.is_empty() {
            self.text((24, y + 11), r#"font-weight="bold""#, "Gaps");
        }
        for (from, to) in self.line.gaps.clone() {
            let title = format!("Nothing in use from {from} to {to}");
            self.bar((from, to), (y, 12), &format!(r#"fill="{ALARM}""#), &title);
        }
    }

    /// What is explained: its height, style and name, in lines that fit.
    fn entries(&self) -> Vec<Vec<(i64, String, &'static str)>> {
        let rows = &self.line.rows;
        let waits = format!(r##"fill="#ffffff" stroke="{USED}" stroke-width="1.5""##);
        let red = format!(r#"fill="{ALARM}""#);
        let used = if rows.iter().all(|row| row.slot == Slot::Dual) {
            "in use: signs, partners encrypt to it"
        } else {
            "in use"
        };
        let outage = r#"fill="url(#out)""#.to_owned();
        let shown = |row: &Row| self.x(row.used_from) - self.x(row.made) >= 15;
        let all = [
            (rows.iter().any(shown), (13, waits, "made, waits for its certificate")),
            (true, (17, format!(r#"fill="{USED}" rx="1.5""#), used)),
            (true, (9, format!(r#"fill="{DECRYPTS}""#), "decrypts, certificate valid")),
            (true, (5, format!(r#"fill="{ON}""#), "decrypts on")),
            (rows.iter().any(|row| row.revoked), (3, red.clone(), "revoked")),
            (!self.line.outages.is_empty(), (17, outage, "authority away")),
            (!self.line.gaps.is_empty(), (12, red, "nothing in use")),
        ];
        let mut lines: Vec<Vec<_>> = vec![Vec::new()];
        let mut x = 24;
        for entry in all.into_iter().filter_map(|(there, entry)| there.then_some(entry)) {
            if x + wide(entry.2) > RIGHT {
                lines.push(Vec::new());
                x = 24;
            }
            x += wide(entry.2);
            lines.iter_mut().next_back().into_iter().for_each(|line| line.push(entry.clone()));
        }
        lines
    }

    fn legend(&mut self, lines: &[Vec<(i64, String, &'static str)>], y: i64) {
        self.put(format_args!(r#"<path d="M24 {}H{RIGHT}" stroke="{GRID}"/>"#, y - 18));
        for (line, y) in lines.iter().zip((0..).map(|line| y + 20 * line)) {
            let mut x = 24;
            for (height, style, name) in line {
                let top = y + 2 - height / 2;
                self.put(format_args!(r#"<rect x="{x}" y="{top}" width="24" height="{height}" {style}/>"#));
                self.text((x + 31, y + 6), r#"font-size="11""#, name);
                x += wide(name);
            }
        }
    }
}

/// How wide an entry of the legend is, in a font that is rather wide.
fn wide(name: &str) -> i64 {
    31 + i64::try_from(name.len()).unwrap_or(0) * 57 / 10 + 20
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `2027-01-04`.
fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}

/// A number of tenths with its point.
fn tenths(tenths: i64) -> String {
    format!("{}.{}", tenths.div_euclid(10), tenths.rem_euclid(10))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const fn because(cause: Cause) -> &'static str {
    match cause {
        Cause::Enrolled => "enrolled",
        Cause::Due => "due",
        Cause::FirstMail => "first mail",
        Cause::Click => "asked for",
        Cause::Hint => "advised",
        Cause::Revoked => "after revocation",
        Cause::Replacement => "replacement",
        Cause::Refused => "after refusal",
        Cause::Imported => "imported",
    }
}

/// As XML wants it (XML 1.0, section 2.4), without the characters that it can't hold (section 2.2).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}
