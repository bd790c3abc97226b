// The visible elements of a kind that are called this, as the browser tells it to assistive technology.
// arguments: kind, name, and optionally a text: then only elements in the smallest row, item or section that shows it.
const [kind, name, near] = arguments;
const kinds = {
    field: "input:not([type=hidden]), select, textarea",
    button: "button, input[type=submit], summary",
    link: "a[href]",
};
const plain = text => text.replace(/\s+/g, " ").trim();
const isVisible = element => element.checkVisibility({ visibilityProperty: true });
const isCalled = element => isVisible(element) && plain(element.computedName) === name;
let places = [document];
if (near !== null) {
    const groups = [...document.querySelectorAll("tr, li, dl, fieldset, form, article, section")];
    const showing = groups.filter(group => isVisible(group) && plain(group.innerText).includes(near));
    places = showing.filter(group => !showing.some(other => other !== group && group.contains(other)));
}
return places.flatMap(place => [...place.querySelectorAll(kinds[kind])]).filter(isCalled);
