// Remembers the initials of this device, and puts the cursor where it is wanted.

const person = document.getElementById("person");
const pin = document.getElementById("pin");
try {
  if (!person.value) person.value = localStorage.getItem("velgate.person") ?? "";
  document.querySelector("form").addEventListener("submit", () => {
    if (person.value.length <= 16) localStorage.setItem("velgate.person", person.value);
  });
} catch { /* a browser without storage remembers nothing */ }
(person.value ? pin : person).focus();
