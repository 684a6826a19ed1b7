// Swagger UI for each OpenAPI document of the page.

for (const domNode of document.querySelectorAll("[data-document]")) {
  window.SwaggerUIBundle({
    url: domNode.dataset.document,
    domNode,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    validatorUrl: null,
  });
}
