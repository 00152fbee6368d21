use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::palette;
use super::panel::{self, HEIGHT, Panel, WIDTH};

const LINE: i32 = 46;
const MARGIN: i32 = 40;
const TITLE: u32 = 70;
/// The width of a letter of the legend, on average, and the fewest units a column has.
const LETTER: i32 = 15;
const COLUMN: i32 = 300;

/// The caption, panels side by side over a legend in columns.
pub(super) fn svg(
    caption: &str,
    panels: &[Panel],
    legend: &[(usize, String)],
) -> Result<String, String> {
    let width = WIDTH * panels.len() as u32;
    let longest = legend.iter().map(|(_, name)| name.chars().count() as i32).max().unwrap_or(0);
    let column = (LETTER * longest + 100).max(COLUMN);
    let columns = ((width as i32 - 2 * MARGIN) / column).max(1);
    let lines = (legend.len() as i32 + columns - 1) / columns;
    let height = TITLE + HEIGHT + (LINE * (lines + 1) + MARGIN) as u32;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        area.fill(&palette::ground()).map_err(|error| error.to_string())?;
        let (title, rest) = area.split_vertically(TITLE);
        let style = panel::text(34, palette::ink()).pos(Pos::new(HPos::Left, VPos::Center));
        let caption = Text::new(caption.to_owned(), (MARGIN, TITLE as i32 / 2 + 6), style);
        title.draw(&caption).map_err(|error| error.to_string())?;
        draw(&rest, panels, legend, (columns, column))?;
        area.present().map_err(|error| error.to_string())?;
    }
    Ok(svg)
}

fn draw(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    panels: &[Panel],
    legend: &[(usize, String)],
    (columns, column): (i32, i32),
) -> Result<(), String> {
    let (above, below) = area.split_vertically(HEIGHT);
    let rooms = above.split_evenly((1, panels.len()));
    rooms.iter().zip(panels).try_for_each(|(room, panel)| panel.draw(room))?;
    let style = |colour| panel::text(26, colour).pos(Pos::new(HPos::Left, VPos::Center));
    for (place, (arm, name)) in legend.iter().enumerate() {
        let place = place as i32;
        let (x, y) = (MARGIN + place % columns * column, LINE / 2 + place / columns * LINE);
        let dot = Circle::new((x + 12, y), 11, palette::of_arm(*arm).filled());
        below.draw(&dot).map_err(|error| error.to_string())?;
        let text = format!("{}  {name}", arm + 1);
        let text = Text::new(text, (x + 34, y), style(palette::ink()));
        below.draw(&text).map_err(|error| error.to_string())?;
    }
    let lines = (legend.len() as i32 + columns - 1) / columns;
    let note = Text::new(NOTE, (MARGIN, LINE / 2 + lines * LINE), style(palette::quiet()));
    below.draw(&note).map_err(|error| error.to_string())
}

const NOTE: &str =
    "Bars: intervals over problems. Full dots on the dashed line: no other arm is better in both.";
