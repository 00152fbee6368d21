use std::ops::Range;

use plotters::chart::ChartContext;
use plotters::coord::types::RangedCoordf64;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::labels::{Rectangle, place};
use super::{Cost, palette};
use crate::text::share;

/// Units of a drawing; a page shows it at half the size or less.
pub(super) const WIDTH: u32 = 920;
pub(super) const HEIGHT: u32 = 720;

/// The plotting library divides sizes of text by this.
const LIBRARY_SIZE: f64 = 1.24;
const DOT: i32 = 11;

/// Accuracy at one k against one cost.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Panel {
    k: u64,
    cost: Cost,
    points: Vec<Point>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    /// Index of the arm.
    pub(crate) arm: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) on_front: bool,
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

impl Panel {
    pub(super) fn new(k: u64, cost: Cost, points: Vec<Point>) -> Self {
        Self { k, cost, points }
    }

    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    pub(crate) fn title(&self) -> String {
        format!("pass@{}", self.k)
    }

    pub(super) fn svg(&self) -> Result<String, String> {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
            self.draw(&area)?;
            area.present().map_err(|error| error.to_string())?;
        }
        Ok(svg)
    }

    pub(super) fn draw(&self, area: &Area<'_>) -> Result<(), String> {
        self.drawn(area).map_err(|error| error.to_string())
    }

    fn drawn(&self, area: &Area<'_>) -> Result<(), Box<dyn std::error::Error + '_>> {
        let fault = |error: DrawingAreaErrorKind<_>| error.to_string();
        area.fill(&palette::ground()).map_err(fault)?;
        let mut chart = ChartBuilder::on(area)
            .margin_top(24)
            .margin_right(36)
            .margin_left(16)
            .margin_bottom(8)
            .caption(self.title(), text(30, palette::ink()))
            .x_label_area_size(84)
            .y_label_area_size(104)
            .build_cartesian_2d(self.x_range(), self.y_range())
            .map_err(fault)?;
        let ticks = x_digits(&self.x_range());
        chart
            .configure_mesh()
            .bold_line_style(palette::grid())
            .light_line_style(TRANSPARENT)
            .axis_style(palette::quiet())
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|x| format!("{x:.ticks$}"))
            .y_label_formatter(&|y| {
                share(*y).trim_end_matches('0').trim_end_matches('.').to_owned()
            })
            .x_desc(self.x_label())
            .y_desc(format!("{} (share of problems)", self.title()))
            .label_style(text(24, palette::quiet()))
            .axis_desc_style(text(26, palette::ink()))
            .draw()
            .map_err(fault)?;
        self.draw_front(&mut chart).map_err(fault)?;
        self.points.iter().try_for_each(|point| draw_point(&mut chart, point)).map_err(fault)?;
        self.draw_numbers(area, &chart).map_err(fault)?;
        Ok(())
    }

    fn x_label(&self) -> &'static str {
        match self.cost {
            Cost::Throughput => "throughput (tokens/s)",
            Cost::Memory => "peak memory (MB, less to the right)",
        }
    }

    fn x_range(&self) -> Range<f64> {
        let Range { start, end } = padded(self.points.iter().map(|point| point.x));
        if self.cost == Cost::Memory { end..start } else { start..end }
    }

    fn y_range(&self) -> Range<f64> {
        let Range { start, end } = padded(self.points.iter().flat_map(|p| [p.low, p.y, p.high]));
        start..end.min(1.02)
    }

    /// The border of what the arms reach: from one arm on the front straight down, then on to the next.
    fn draw_front<'b>(
        &self,
        chart: &mut Chart<'_, 'b>,
    ) -> Result<(), DrawingAreaErrorKind<FaultOf<'b>>> {
        let mut front: Vec<(f64, f64)> =
            self.points.iter().filter(|point| point.on_front).map(|p| (p.x, p.y)).collect();
        // The best accuracy first.
        front.sort_by(|a, b| b.1.total_cmp(&a.1));
        front.dedup();
        let corners = front.windows(2).flat_map(|pair| [pair[0], (pair[0].0, pair[1].1), pair[1]]);
        let line = DashedPathElement::new(
            corners.collect::<Vec<_>>(),
            10,
            8,
            palette::quiet().stroke_width(3),
        );
        chart.draw_series(std::iter::once(line)).map(|_| ())
    }

    /// The number of each arm beside its point, where it covers nothing.
    fn draw_numbers<'b>(
        &self,
        area: &Area<'b>,
        chart: &Chart<'_, 'b>,
    ) -> Result<(), DrawingAreaErrorKind<FaultOf<'b>>> {
        let origin = area.get_base_pixel();
        let at = |x, y| {
            let (x, y) = chart.backend_coord(&(x, y));
            (x - origin.0, y - origin.1)
        };
        let mut taken: Vec<Rectangle> = vec![];
        for point in &self.points {
            let (x, y) = at(point.x, point.y);
            taken.push(Rectangle::around((x, y), DOT + 2, DOT + 2));
            let (top, bottom) = (at(point.x, point.high).1, at(point.x, point.low).1);
            taken.push(Rectangle { left: x - 4, right: x + 4, top, bottom });
        }
        let (xs, ys) = chart.plotting_area().get_pixel_range();
        let room = Rectangle {
            left: xs.start - origin.0,
            right: xs.end - origin.0,
            top: ys.start - origin.1,
            bottom: ys.end - origin.1,
        };
        for point in &self.points {
            let number = (point.arm + 1).to_string();
            let half = (7 * number.len() as i32 + 3, 13);
            let (x, y) = place(at(point.x, point.y), half, DOT, &room, &mut taken);
            let style =
                text(25, palette::of_arm(point.arm)).pos(Pos::new(HPos::Center, VPos::Center));
            area.draw(&Text::new(number, (x, y), style))?;
        }
        Ok(())
    }
}

type FaultOf<'a> = <SVGBackend<'a> as DrawingBackend>::ErrorType;

/// An interval as a bar with caps, the value as a dot: full on the front, else a ring.
fn draw_point<'b>(
    chart: &mut Chart<'_, 'b>,
    point: &Point,
) -> Result<(), DrawingAreaErrorKind<FaultOf<'b>>> {
    let colour = palette::of_arm(point.arm);
    let centre = (point.x, point.y);
    let ends = vec![(point.x, point.low), (point.x, point.high)];
    chart.draw_series(std::iter::once(PathElement::new(ends, colour.mix(0.65).stroke_width(3))))?;
    let cap = |y| {
        EmptyElement::at((point.x, y))
            + PathElement::new(vec![(-8, 0), (8, 0)], colour.mix(0.65).stroke_width(3))
    };
    chart.draw_series([cap(point.low), cap(point.high)])?;
    chart.draw_series(std::iter::once(Circle::new(centre, DOT, colour.filled())))?;
    if !point.on_front {
        let hole = Circle::new(centre, DOT - 4, palette::ground().filled());
        chart.draw_series(std::iter::once(hole))?;
    }
    Ok(())
}

/// Text whose letters are `size` units high.
pub(super) fn text(size: u32, colour: RGBColor) -> TextStyle<'static> {
    let font = ("sans-serif", f64::from(size) * LIBRARY_SIZE).into_font();
    TextStyle { color: colour.to_backend_color(), ..TextStyle::from(font) }
}

/// The values with air around them, never below 0.
fn padded(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(f64::NEG_INFINITY, f64::max);
    let air = match 0.08 * (most - least) {
        air if air > 0.0 => air,
        _ if most > 0.0 => 0.1 * most,
        _ => 0.1,
    };
    (least - air).max(0.0)..most + air
}

/// Decimals that tell six ticks apart.
fn x_digits(range: &Range<f64>) -> usize {
    let step = (range.end - range.start).abs() / 6.0;
    (0..6).find(|&digits| step >= 0.5 * 10f64.powi(-digits)).unwrap_or(6) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_air_and_do_not_begin_below_nothing() {
        assert_eq!(padded([10.0, 20.0].into_iter()), 9.2..20.8);
        assert_eq!(padded([0.1, 20.1].into_iter()).start, 0.0);
        assert_eq!(padded([5.0].into_iter()), 4.5..5.5);
        assert_eq!(padded([0.0].into_iter()), 0.0..0.1);
        assert_eq!([0.0..60.0, 0.0..3.0, 0.03..0.0].map(|range| x_digits(&range)), [0, 0, 2]);
    }
}
