"""Bad studies and settings, each with the sentence it must get.

`+` adds a text to `HEAD`, a small good study. In a sentence `@` stands for the study's file, `~` for
the folder of the shipped configurations, `*` for anything.
"""

HEAD = """extends: ~/zhongwei.yaml
life: {years: 1}
prepare: {paths: 64}
deal: {debt: {tenor_years: 1}}
"""

# fmt: off
STUDIES = (
    ("+battery: {energy_mv: 3}", "@:5: battery.energy_mv: unknown key; the nearest known one is energy_mwh"),
    ("+batery:\n  power_mw: 3", "@:5: batery: unknown key; the nearest known one is battery"),
    ("+zzz: 3", "@:5: zzz: unknown key; known ones are name, description, climate, *, prepare"),
    ("+battery:\n  unit_mw: 3", "@:6: battery.unit_mw: unknown key here; gensets.unit_mw is known"),
    ("name: x\nlife: {first_year: 2029}", "@: load: is missing"),
    ("+battery:\n  power_mw: -240",
     "@:6: battery.power_mw: should be greater than or equal to 0 (got -240)"),
    ("+load: {contracted_it_mw: 0}", "@:5: load.contracted_it_mw: should be greater than 0 (got 0)"),
    ("+pv:\n  dc_mw: lots", "@:6: pv.dc_mw: should be a number (got 'lots')"),
    ("+pv:\n  dc_mw: no", "@:6: pv.dc_mw: should be a number (got 'no')"),
    ("+pv:\n  dc_mw: true", "@:6: pv.dc_mw: should be a number (got true)"),
    ("+pv:\n  dc_mw:", "@:6: pv.dc_mw: should be a number (got nothing)"),
    ("+pv:\n  dc_mw: [1, 2]", "@:6: pv.dc_mw: should be a number (got [1, 2])"),
    ("+load: {occupancy_frac: 0.5}",
     "@:5: load.occupancy_frac: should be a list of numbers, such as [0.4, 0.6] (got 0.5)"),
    ("+load: {occupancy_frac: []}", "@:5: load.occupancy_frac: should hold at least 1 number (got [])"),
    ("+pv:\n  dc_mw: 3600 MW",
     "@:6: pv.dc_mw: should be a number (got '3600 MW'); "
     "the unit stands in the key's name, not in the value"),
    ("+pv:\n  dc_mw: 3,600",
     "@:6: pv.dc_mw: should be a number (got '3,600'); numbers are written without commas"),
    ("+name: 12", "@:5: name: should be text (got 12)"),
    ("+name: a/b",
     "@:5: name: should hold letters, digits, _ and - only, and begin with a letter or digit (got 'a/b')"),
    ("extends: ~/zhongwei.yaml\nlife: {first_year: 2029-01-01}",
     "@:2: life.first_year: should be a whole number (got 2029-01-01)"),
    ("+gensets: {outage: {units: 1.5}}", "@:5: gensets.outage.units: should be a whole number (got 1.5)"),
    ("+gensets: {outage: {units: 256}}",
     "@:5: gensets.outage.units: should be less than or equal to 255 (got 256)"),
    ("+pv: {dc_mw: .inf}", "@:5: pv.dc_mw: should be a finite number (got inf)"),
    ("+pv: {dc_mw: .nan}", "@:5: pv.dc_mw: should be a finite number (got nan)"),
    ("+pv: {dc_mw: 3.6e9}", "@:5: pv.dc_mw: should be less than or equal to 1000000000 (got 3600000000)"),
    ("+pv: {loss_frac: 14}",
     "@:5: pv.loss_frac: should be less than or equal to 1 (got 14); "
     "fractions run from 0 to 1, 14 % is 0.14"),
    ("+pv: {loss_frac: 14%}",
     "@:5: pv.loss_frac: should be a number (got '14%'); fractions run from 0 to 1, 14 % is 0.14"),
    ("+load:\n  occupancy_frac: [0.5, 80]",
     "@:6: load.occupancy_frac: item 2 should be less than or equal to 1 (got 80); "
     "fractions run from 0 to 1, 80 % is 0.8"),
    ("+uncertainty: {lease_price_sd_frac: 20}",
     "@:5: uncertainty.lease_price_sd_frac: should be less than or equal to 2 (got 20); "
     "fractions run from 0 to 1, 20 % is 0.2"),
    ("+battery:", "@:5: battery: should be a section of keys and values (got nothing)"),
    ("+battery:\n  energy_mwh: 0",
     "@:6: battery.energy_mwh: should be above zero, or power_mw zero too (got 0, power_mw 1500)"),
    ("+battery:\n  power_mw: 0",
     "@:6: battery.power_mw: should be above zero, or energy_mwh zero too (got 0, energy_mwh 6000)"),
    ("+battery: {soc_max_frac: 0.01}",
     "@:5: battery.soc_max_frac: should lie above soc_min_frac (got 0.01, soc_min_frac 0.05)"),
    ("+battery: {soc_start_frac: 0.01}",
     "@:5: battery.soc_start_frac: should lie between soc_min_frac and soc_max_frac (got 0.01, "
     "soc_min_frac 0.05, soc_max_frac 0.95)"),
    ("+grid: {orders: {midday_end_h: 9}}",
     "@:5: grid.orders.midday_end_h: should lie after midday_start_h (got 9, midday_start_h 10)"),
    ("+grid: {orders: {night_end_h: 23}}",
     "@:5: grid.orders.night_end_h: should lie before night_start_h, for the window crosses midnight "
     "(got 23, night_start_h 22)"),
    ("+grid: {orders: {midday_end_h: 25}}",
     "@:5: grid.orders.midday_end_h: should be less than or equal to 24 (got 25)"),
    ("+wind: {rated_mps: 30}",
     "@:5: wind.rated_mps: should lie between cut_in_mps and cut_out_mps (got 30, cut_in_mps 3, "
     "cut_out_mps 25)"),
    ("+load: {utilisation_frac: 0.99}",
     "@:5: load.utilisation_frac: should not pass 1 when multiplied by 1 + daily_swing_frac (got 0.99, "
     "daily_swing_frac 0.05)"),
    ("+load: {pue_max: 1.1}", "@:5: load.pue_max: should not lie under pue_free (got 1.1, pue_free 1.15)"),
    ("extends: ~/zhongwei.yaml\nlife:\n  years: 10",
     "~/zhongwei.yaml:*: deal.debt.tenor_years: should not pass life.years (10) (got 15)"),
    ("extends: ~/zhongwei.yaml\ndeal:\n  debt:\n    lockup_dscr: 1.0",
     "@:4: deal.debt.lockup_dscr: should not lie under covenant_dscr (got 1, covenant_dscr 1.05)"),
    ("extends: ~/zhongwei.yaml\ndeal:\n  debt:\n    dscr_p50: 1.1",
     "@:4: deal.debt.dscr_p50: should not lie under lockup_dscr (got 1.1, lockup_dscr 1.15)"),
    ("extends: ~/zhongwei.yaml\ndeal:\n  debt:\n    dsra_months: 5",
     "@:4: deal.debt.dsra_months: should be a whole number of debt periods (got 5, periods_per_year 2)"),
    ("extends: ~/zhongwei.yaml\ndeal:\n  debt:\n    periods_per_year: 3",
     "@:4: deal.debt.periods_per_year: should be 1, 2 or 4 (got 3)"),
    ("extends: ~/zhongwei.yaml\ndeal:\n  capex:\n    spend_frac: [0.5, 0.4]",
     "@:4: deal.capex.spend_frac: should sum to 1 (got 0.9)"),
    ("extends: ~/zhongwei.yaml\ndeal:\n  currency: yuan",
     "@:3: deal.currency: should be three capitals, such as CNY (got 'yuan')"),
    ("extends: no.yaml", "@:1: extends: no.yaml: no such file"),
    ("# a study\nextends: study.yaml", "@:2: extends: study.yaml: leads back to itself"),
    ("extends: .", "@:1: extends: .: cannot be read (Is a directory)"),
    ("extends: [a.yaml, b.yaml]", "@:1: extends: should be the name of one file (got ['a.yaml', 'b.yaml'])"),
    ("extends: 3", "@:1: extends: should be the name of one file (got 3)"),
    ("name: [a\nlife: 3", "@:2: is not YAML (*)"),
    ("life:\n\tyears: 1", "@:2: is not YAML (found character '\\t' that cannot start any token)"),
    ("name: a\n---\nname: b", "@:2: is not YAML (*another document)"),
    ("", "@: is empty; a study has keys and values, `wattbit schema` lists them"),
    ("- name\n- life", "@: should hold keys and values (got ['name', 'life'])"),
    (b'name: x\ndescription: d\xe9sert', "@:2: is not text in UTF-8 (byte 0xe9)"),
    (b'\x89HDF\r\n\x1a\n\x00\x00', "@:1: is not text in UTF-8 (byte 0x89)"),
    (b'name: x\x00y', "@: is not YAML (unacceptable character *)"),
    ("+wind:\n  ac_mw: 1\n  ac_mw: 2", "@:7: ac_mw: stands twice in its section"),
    ("+wind: {1: 2}", "@:5: wind.1: a key should be a name (got 1)"),
    ("+wind: &w\n  outage: *w",
     "@:6: wind.outage: should be a section of keys and values (got nothing)"),
    ("pv: " + "[" * 1500, "@: is not YAML (*)"),
    ("+wind: {ac_mw: " + "9" * 5000 + "}", "@: is not YAML (Exceeds the limit *)"),
    ("+climate: zhongwy", "@:5: climate*zhongwy*zhongwei*"),
    ("+climate:", "@:5: climate: is missing in the study, and no --weather is given"),
    ("+grid: {orders: {sun_curtailed_frac: 0.9}}",
     "@:5: grid.orders.sun_curtailed_frac: 0.9 cannot be reached, *"),
)

SETTINGS = (
    ("battery.energy_mv=3", "battery.energy_mv: unknown key; the nearest known one is energy_mwh"),
    ("batery.energy_mwh=3", "batery: unknown key; the nearest known one is battery"),
    ("energy_mwh=3", "energy_mwh: unknown key here; battery.energy_mwh is known"),
    ("battery.energy_mwh=big", "battery.energy_mwh: should be a number (got 'big')"),
    ("battery.energy_mwh=", "battery.energy_mwh: should be a number (got nothing)"),
    ("battery=3", "is a section; set its keys one by one, such as battery.power_mw"),
    ("wind.outage={units: 3}", "is a section; set its keys one by one, such as wind.outage.units"),
    ("load.occupancy_frac.1=3", "load.occupancy_frac is a value, not a section"),
    ("battery.energy_mwh", "should be KEY=VALUE, such as battery.energy_mwh=4000"),
    ("=3", "should be KEY=VALUE, such as battery.energy_mwh=4000"),
    ("battery.energy_mwh=[", "is not YAML (*)"),
    ("life.years=30.5", "life.years: should be a whole number (got 30.5)"),
    ("climate=zhongwy", "climate*zhongwy*zhongwei*"),
    ("deal.tax.rate_frac=25",
     "deal.tax.rate_frac: should be less than or equal to 1 (got 25); "
     "fractions run from 0 to 1, 25 % is 0.25"),
)
# fmt: on

GOOD = (  # what looks odd and is right
    ("battery.energy_mwh=1e6", 1e6),
    ("battery.energy_mwh=6_000", 6000.0),
    ("battery.energy_mwh=0x10", 16.0),
    ("gensets.outage.units=1e2", 100),
    ("pv.outage.units=25.0", 25),
    ("description=no", "no"),
    ("load.occupancy_frac=[0.5, 1]", (0.5, 1.0)),
)
