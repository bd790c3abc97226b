// Later than the page, so that whoever looks must wait.
setTimeout(() => { document.getElementById("address").textContent = `asked for ${location.search}`; }, 100);
