"""The console without a mouse."""
from playwright.sync_api import expect


def tab_to(page, locator, most=120):
    """Presses Tab until the element has the focus, as a user without a mouse does; the focus must be visible at each step."""
    for _ in range(most):
        if locator.evaluate("element => element === document.activeElement"):
            outline = locator.evaluate("""element => {
                const around = [element, element.closest("label"), element.parentElement, element.parentElement.parentElement];
                const parts = [...around, element.nextElementSibling, ...element.querySelectorAll("*")];
                return parts.some(one => one !== null && getComputedStyle(one).outlineStyle !== "none");
            }""")
            assert outline, f"nothing shows that {locator} has the focus"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{locator} is not reached with {most} presses of Tab")


def test_signing_in_and_adding_a_webhook(screens, merchant):
    page, keys = screens.page, screens.page.keyboard
    screens.go()
    tab_to(page, page.get_by_label("E-mail"))
    keys.type(merchant.email)
    tab_to(page, page.get_by_label("Password"))
    keys.type(merchant.password)
    keys.press("Enter")
    screens.expect_asked_for_code()
    tab_to(page, page.get_by_label("Authentication code"))
    keys.type(merchant.code())
    keys.press("Enter")
    screens.expect_list()

    tab_to(page, screens.button("Add Webhook"))
    keys.press("Enter")
    form = screens.dialog("Add Webhook")
    tab_to(page, form.get_by_label("Webhook Label"))
    keys.type("By keyboard")
    tab_to(page, form.get_by_label("Hook URL"))
    keys.type("https://example.com/keyboard")
    tab_to(page, form.get_by_label("Search events"))
    keys.type("ach.settled")
    tab_to(page, form.get_by_role("checkbox", name="ach.settled"))
    keys.press("Space")
    tab_to(page, form.get_by_role("radio", name="None", exact=True).first)
    keys.press("ArrowDown")  # Basic
    tab_to(page, form.get_by_label("Username"))
    keys.type("cart")
    tab_to(page, form.get_by_label("Password"))
    keys.type("secret")
    tab_to(page, screens.button("Add Hook", form))
    keys.press("Enter")
    expect(form).to_have_count(0)
    expect(screens.row("By keyboard")).to_be_visible()
    (made,) = merchant.caller.get("/v1/webhooks").json()["webhooks"]
    assert (made["label"], made["events"], made["authentication"]) == (
        "By keyboard", ["ach.settled"], {"type": "basic", "username": "cart"})

    # after a dialog, the focus is where it was before, and it never left the dialog
    edit = screens.button("By keyboard")
    tab_to(page, edit)
    keys.press("Enter")
    form = screens.dialog("Edit Webhook")
    expect(form).to_be_visible()
    for _ in range(80):
        keys.press("Tab")
        outside = page.evaluate("document.activeElement !== document.body && !document.activeElement.closest('dialog')")
        assert not outside, "Tab leaves the dialog"
    keys.press("Escape")
    expect(form).to_have_count(0)
    expect(edit).to_be_focused()


def test_skip_to_the_content(console):
    console.page.reload()
    console.expect_list()
    console.page.keyboard.press("Tab")
    skip = console.page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    console.page.keyboard.press("Enter")
    expect(console.page.get_by_role("main")).to_be_focused()
