from orewatch.plant.states import STATE_CODES, STATES


def test_codes_stay_what_stores_hold() -> None:
    assert {state.value: code for state, code in STATE_CODES.items()} == {
        "COMMS_LOSS": 0,
        "CLOCK_BAD": 10,
        "PLANNED_STOP": 20,
        "BREAKDOWN": 30,
        "STOPPED_UNCODED": 40,
        "BLOCKED": 50,
        "STARVED": 60,
        "IDLE": 70,
        "STARTUP": 80,
        "UNDERPERFORMING": 90,
        "RUNNING": 100,
    }


def test_every_state_has_a_code_in_order_of_precedence() -> None:
    assert list(STATE_CODES) == list(STATES)
    assert list(STATE_CODES.values()) == sorted(set(STATE_CODES.values()))
